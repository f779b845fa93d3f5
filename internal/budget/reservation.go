package budget

import (
	"context"
	"sync/atomic"
	"time"
)

// Reservation is the part of a budget that one user holds: an answer, a body, a page. It begins
// with 0 bytes. It is for one goroutine at a time, except for [Reservation.Sent], and must not be
// copied after it has grown. The zero value has no budget: its methods do nothing and succeed.
type Reservation struct {
	budget *Budget
	parent *Reservation // in the parent budget; nil: none

	// guarded by the mutex of the budget
	bytes int64
	isCut bool
	cut   func()
	since time.Time // when Sending was called

	sent atomic.Int64
}

// Reservation returns a new reservation of 0 bytes.
func (b *Budget) Reservation() *Reservation {
	r := new(Reservation)
	b.Open(r)
	return r
}

// Open makes r a reservation of b with 0 bytes, for a reservation that is a field of a struct. It
// must not be called while r holds bytes.
func (b *Budget) Open(r *Reservation) {
	r.budget, r.parent = b, nil
	r.isCut, r.cut, r.since = false, nil, time.Time{}
	r.sent.Store(0)
	if b.parent != nil {
		r.parent = b.parent.Reservation()
	}
}

// Grow takes more bytes, and waits for them as long as [Options.Wait] says. It returns
// [ErrExhausted], [ErrTooLarge], or the error of ctx; the reservation then keeps its former size.
func (r *Reservation) Grow(ctx context.Context, bytes int64) error {
	if r.budget == nil || bytes <= 0 {
		return nil
	}
	return r.grow(ctx, bytes, deadlineOf(r.budget.opts.Wait))
}

// TryGrow takes more bytes if they are free, and reports whether they were. It never waits.
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

// deadlineOf returns the deadline of a wait, the zero time when there is none.
func deadlineOf(wait time.Duration) time.Time {
	if wait == Forever || wait == NoWait {
		return time.Time{}
	}
	return time.Now().Add(wait)
}

// Force takes more bytes at once, beyond any limit. It is for memory that is already in use by an
// owner that must not fail. Other reservations wait longer then.
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

// Release gives all bytes back and ends [Reservation.Sending]. It may be called several times, and
// the reservation may grow again.
func (r *Reservation) Release() {
	for ; r != nil && r.budget != nil; r = r.parent {
		r.budget.release(r)
	}
}

// Held returns how many bytes the reservation holds.
func (r *Reservation) Held() int64 {
	if r.budget == nil {
		return 0
	}
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	return r.bytes
}

// Sending says that the bytes are now being sent to a client and will be released after that. When
// other reservations wait, and this one has been sent for more than 1 s and at the lowest rate, cut
// is called once, from another goroutine. It must not block, and must end the sending at once, for
// instance by closing the connection. The bytes count as held until they are released.
func (r *Reservation) Sending(cut func()) {
	if r.parent != nil { // only the parent budget cuts
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

// Sent counts bytes that the client has taken since [Reservation.Sending]. It does not release
// them.
func (r *Reservation) Sent(bytes int64) {
	if r.parent != nil {
		r.parent.Sent(bytes)
		return
	}
	r.sent.Add(bytes)
}

// IsCut reports whether cut was called since Open or Release.
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

// rate returns the bytes sent per second. The caller holds the mutex of the budget.
func (r *Reservation) rate(now time.Time) float64 {
	return float64(r.sent.Load()) / now.Sub(r.since).Seconds()
}

// largest returns the limit for a large reservation of the budget.
func (r *Reservation) largest() int64 {
	if r.budget == nil {
		return 1<<63 - 1
	}
	return r.budget.opts.Bytes - r.budget.opts.SmallBytes
}
