package budget

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"
)

// ErrNoRoom is returned when others hold the bytes that were asked for, and did not release them in
// time. It makes sense to try again later.
var ErrExhausted = errors.New("the server has no memory left for this at the moment; try again")

// ErrTooLarge is returned when a reservation would be larger than the budget allows, even if it
// were the only one. It makes no sense to try again.
var ErrTooLarge = errors.New("this needs more memory than one request may have")

// Forever is a [Options.Wait] that only the end of the context ends.
const Forever time.Duration = math.MaxInt64

const (
	defaultWait       = 2 * time.Second
	defaultMaxWaiters = 10_000

	// patience is how long a reservation waits before the slowest one is cut, and again before the
	// next.
	cutAfter = 250 * time.Millisecond
	// graceToSend is how long every reservation may take to be sent before it counts as slow.
	sendGrace = time.Second
)

// Options of a [Budget].
type Options struct {
	// Bytes that all reservations hold together, at most. It must be positive.
	Bytes int64
	// SmallBytes is the part of Bytes that only small reservations may use. They may use the rest,
	// too. 0: none.
	SmallBytes int64
	// SmallSize is the size in bytes below which a reservation is small. 0: none is.
	SmallSize int64
	// Wait is how long a reservation waits for room. 0: 2 s. Negative: not at all.
	Wait time.Duration
	// MaxWaiters is how many may wait at a time. Those beyond it get [ErrNoRoom] at once. 0:
	// 10,000.
	MaxWaiters int
}

// Budget is a number of bytes that reservations share. It is safe for concurrent use.
type Budget struct {
	opts   Options
	parent *Budget // nil: it stands for itself

	mu       sync.Mutex // guards the following, and the fields of reservations
	held     int64      // bytes of all reservations
	small    int64      // the part of held that small ones hold
	cutting  int64      // bytes of those that were cut and are not released yet
	waiting  []*waiter  // those that hold bytes first, then in the order of arrival
	cutTimer bool       // a timer runs that looks for one to cut
	sending  map[*Reservation]struct{}
}

// waiter is a reservation that waits for more bytes.
type waiter struct {
	reservation *Reservation
	bytes       int64
	granted     chan struct{} // closed when it has them
}

// New returns a budget of which nothing is reserved.
func New(opts Options) *Budget {
	opts.Wait = cmp.Or(opts.Wait, defaultWait)
	opts.MaxWaiters = cmp.Or(opts.MaxWaiters, defaultMaxWaiters)
	return &Budget{opts: opts, sending: make(map[*Reservation]struct{})}
}

// Within returns a budget of at most so many bytes, each of which also counts in b. The sizes of
// small reservations and the longest wait are those of b.
func (b *Budget) Within(bytes int64) *Budget {
	return &Budget{opts: Options{Bytes: bytes, Wait: b.opts.Wait, MaxWaiters: b.opts.MaxWaiters}, parent: b}
}

// Held returns the bytes that are reserved now.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// Waiting returns how many reservations wait for room now.
func (b *Budget) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// grow takes bytes for a reservation, and waits for them until the deadline. A zero deadline is
// none.
func (b *Budget) grow(ctx context.Context, r *Reservation, bytes int64, deadline time.Time) error {
	b.mu.Lock()
	if r.bytes+bytes > b.maxSize(r.bytes+bytes) {
		b.mu.Unlock()
		return ErrTooLarge
	}
	if b.fits(r, bytes, len(b.waiting) > 0) {
		b.add(r, bytes)
		b.mu.Unlock()
		return nil
	}
	if b.opts.Wait < 0 || len(b.waiting) >= b.opts.MaxWaiters {
		b.mu.Unlock()
		return ErrExhausted
	}
	w := &waiter{reservation: r, bytes: bytes, granted: make(chan struct{})}
	b.enqueue(w)
	b.mu.Unlock()
	if err := w.wait(ctx, deadline); err != nil {
		return b.withdraw(w, err)
	}
	return nil
}

// wait returns nil when the waiter was granted its bytes.
func (w *waiter) wait(ctx context.Context, deadline time.Time) error {
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late:
		return ErrExhausted
	}
}

// giveUp takes a waiter out of the queue, unless it was granted its bytes meanwhile: then it has
// them.
func (b *Budget) withdraw(w *waiter, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, w)
	if i < 0 {
		return nil
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	b.grant() // it may have been in the way of others
	return err
}

// enqueue puts a waiter behind those that came before it: before all that hold nothing, if it holds
// bytes. It needs b.mu.
func (b *Budget) enqueue(w *waiter) {
	at := len(b.waiting)
	if w.reservation.bytes > 0 {
		if i := slices.IndexFunc(b.waiting, func(other *waiter) bool { return other.reservation.bytes == 0 }); i >= 0 {
			at = i
		}
	}
	b.waiting = slices.Insert(b.waiting, at, w)
	if !b.cutTimer {
		b.cutTimer = true
		time.AfterFunc(cutAfter, b.cutSlowest)
	}
}

// most is the largest that a reservation of this size may be.
func (b *Budget) maxSize(size int64) int64 {
	if size < b.opts.SmallSize {
		return b.opts.Bytes
	}
	return b.opts.Bytes - b.opts.SmallBytes
}

// fits reports whether a reservation may take so many bytes now. One that others wait before may
// only use what is for small ones alone. It needs b.mu.
func (b *Budget) fits(r *Reservation, bytes int64, behind bool) bool {
	if b.held+bytes > b.opts.Bytes {
		return false
	}
	if r.bytes+bytes < b.opts.SmallSize {
		return !behind || b.small+bytes <= b.opts.SmallBytes
	}
	large := b.held - b.small + bytes
	if r.bytes < b.opts.SmallSize {
		large += r.bytes
	}
	return !behind && large <= b.opts.Bytes-b.opts.SmallBytes
}

// add changes the size of a reservation by a positive or negative number of bytes. It needs b.mu.
func (b *Budget) add(r *Reservation, bytes int64) {
	if r.bytes < b.opts.SmallSize {
		b.small -= r.bytes
	}
	b.held += bytes
	r.bytes += bytes
	if r.bytes < b.opts.SmallSize {
		b.small += r.bytes
	}
}

// grant gives bytes to those that wait, as far as there are any. It needs b.mu.
func (b *Budget) grant() {
	behind := false
	left := b.waiting[:0]
	for i, w := range b.waiting {
		if behind && b.small >= b.opts.SmallBytes {
			left = append(left, b.waiting[i:]...)
			break
		}
		if !b.fits(w.reservation, w.bytes, behind) {
			left = append(left, w)
			behind = true
			continue
		}
		b.add(w.reservation, w.bytes)
		close(w.granted)
	}
	clear(b.waiting[len(left):])
	b.waiting = left
}

// cutSlowest cuts the reservation whose bytes are taken slowest, so that the first that waits gets
// room, unless those that are cut already will make enough room. It goes on while anybody waits.
func (b *Budget) cutSlowest() {
	b.mu.Lock()
	if b.cutTimer = len(b.waiting) > 0; !b.cutTimer {
		b.mu.Unlock()
		return
	}
	time.AfterFunc(cutAfter, b.cutSlowest)
	cut := func() {}
	if r := b.slowest(time.Now()); r != nil && b.cutting < b.waiting[0].bytes {
		delete(b.sending, r)
		r.isCut = true
		b.cutting += r.bytes
		cut = r.cut
	}
	b.mu.Unlock()
	cut()
}

// slowest returns the reservation that is sent slowest; nil when none has been sent for long. It
// needs b.mu.
func (b *Budget) slowest(now time.Time) *Reservation {
	var slowest *Reservation
	for r := range b.sending {
		if now.Sub(r.since) >= sendGrace && (slowest == nil || r.rate(now) < slowest.rate(now)) {
			slowest = r
		}
	}
	return slowest
}
