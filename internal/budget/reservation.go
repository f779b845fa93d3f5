package budget

import (
	"context"
	"sync/atomic"
	"time"
)

// Reservation is a number of bytes of a budget that belong to one user: an answer, a body, a page.
// It begins with none. It is for one goroutine at a time, but for [Reservation.Sent]; it must not
// be copied once it has grown. The zero value has no budget: all its methods do nothing and
// succeed.
type Reservation struct {
	budget *Budget
	parent *Reservation // of the budget around it; nil: there is none

	// Guarded by the budget's mutex.
	bytes int64
	isCut bool
	cut   func()
	since time.Time // when sending began

	sent atomic.Int64
}

// Reservation returns one that holds nothing yet.
func (b *Budget) Reservation() *Reservation {
	r := new(Reservation)
	b.Open(r)
	return r
}

// Open makes r a reservation of b that holds nothing yet. It is for a reservation that
// is a field of a struct, and must not be called while r holds bytes.
func (b *Budget) Open(r *Reservation) {
	r.budget, r.parent = b, nil
	r.isCut, r.cut, r.since = false, nil, time.Time{}
	r.sent.Store(0)
	if b.parent != nil {
		r.parent = b.parent.Reservation()
	}
}

// Grow takes more bytes, and waits for them as long as [Options.Wait] says. The reservation keeps
// what it holds when it fails: with [ErrNoRoom], [ErrTooLarge], or the error of ctx.
func (r *Reservation) Grow(ctx context.Context, bytes int64) error {
	if r.budget == nil || bytes <= 0 {
		return nil
	}
	return r.grow(ctx, bytes, deadlineOf(r.budget.opts.Wait))
}

// TryGrow takes more bytes if there is room at once, and reports whether it did.
func (r *Reservation) TryGrow(bytes int64) bool {
	if r.budget == nil || bytes <= 0 {
		return true
	}
	if !r.budget.tryGrow(r, bytes) {
		return false
	}
	if r.parent != nil && !r.parent.TryGrow(bytes) {
		r.budget.shrink(r, bytes)
		return false
	}
	return true
}

func (r *Reservation) grow(ctx context.Context, bytes int64, deadline time.Time) error {
	if err := r.budget.grow(ctx, r, bytes, deadline); err != nil || r.parent == nil {
		return err
	}
	err := r.parent.grow(ctx, bytes, deadline)
	if err != nil {
		r.budget.shrink(r, bytes)
	}
	return err
}

// deadlineOf is the zero time when the wait has no end.
func deadlineOf(wait time.Duration) time.Time {
	if wait == Forever || wait < 0 {
		return time.Time{}
	}
	return time.Now().Add(wait)
}

// Force takes more bytes without a wait and without regard to any limit. It is for memory that is
// in use anyway and whose owner must not fail: the others wait for longer then.
func (r *Reservation) Force(bytes int64) {
	for ; r != nil && r.budget != nil; r = r.parent {
		r.budget.mu.Lock()
		r.budget.add(r, bytes)
		r.budget.mu.Unlock()
	}
}

// Shrink gives bytes back, at most those that are held.
func (r *Reservation) Shrink(bytes int64) {
	for ; r != nil && r.budget != nil; r = r.parent {
		r.budget.shrink(r, bytes)
	}
}

// Release gives back all that is held and ends [Reservation.Sending]. It may be called several
// times, and the reservation may grow again after it.
func (r *Reservation) Release() {
	for ; r != nil && r.budget != nil; r = r.parent {
		r.budget.release(r)
	}
}

// Held returns the bytes that the reservation holds now.
func (r *Reservation) Held() int64 {
	if r.budget == nil {
		return 0
	}
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	return r.bytes
}

// Sending says that from now on the reservation is only held until the client has taken its bytes.
// When others wait for room, and this one has been sending for 1 s and is the slowest, cut is
// called, once, from another goroutine: it must end the sending at once, for instance by closing
// the connection, and not wait. The bytes count as held until they are released.
func (r *Reservation) Sending(cut func()) {
	if r.parent != nil { // only the outermost budget, which all share, cuts
		r.parent.Sending(cut)
		return
	}
	if r.budget == nil {
		return
	}
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	r.cut, r.since = cut, time.Now()
	r.budget.sending[r] = struct{}{}
}

// Sent counts bytes that were taken since [Reservation.Sending]. It holds on to them: the memory is
// still in use.
func (r *Reservation) Sent(bytes int64) {
	if r.parent != nil {
		r.parent.Sent(bytes)
		return
	}
	r.sent.Add(bytes)
}

// IsCut reports whether cut was called since the reservation was opened or released.
func (r *Reservation) IsCut() bool {
	if r.parent != nil {
		return r.parent.IsCut()
	}
	if r.budget == nil {
		return false
	}
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	return r.isCut
}

// pace is how many bytes were taken per second. It needs the budget's mutex.
func (r *Reservation) rate(now time.Time) float64 {
	return float64(r.sent.Load()) / now.Sub(r.since).Seconds()
}

func (b *Budget) tryGrow(r *Reservation, bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.fits(r, bytes, len(b.waiting) > 0) {
		return false
	}
	b.add(r, bytes)
	return true
}

func (b *Budget) shrink(r *Reservation, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(r, bytes)
}

func (b *Budget) release(r *Reservation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(r, r.bytes)
	if r.cut != nil {
		delete(b.sending, r)
		r.cut, r.isCut = nil, false
		r.sent.Store(0)
	}
}

// drop takes bytes from a reservation and gives them to those that wait. It needs b.mu.
func (b *Budget) drop(r *Reservation, bytes int64) {
	bytes = min(bytes, r.bytes)
	if bytes <= 0 {
		return
	}
	if r.isCut {
		b.cutting = max(0, b.cutting-bytes)
	}
	b.add(r, -bytes)
	if len(b.waiting) > 0 {
		b.grant()
	}
}
