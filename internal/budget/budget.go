// Package budget shares a fixed number of bytes among requests that need memory at the same time.
//
// A [Budget] has a size in bytes. Its users hold reservations: a [Reservation] grows before memory
// is allocated, and is released when the memory is garbage. All reservations together never exceed
// the budget, except by [Reservation.Force]. The package allocates nothing itself, and relies on
// its users to reserve as much as they use.
//
// Grow waits while the budget is used up: in order of arrival, for at most [Options.Wait], and only
// if few enough are waiting. Reservations that hold bytes come before those that hold none, since
// bytes are released when requests finish.
//
// Two rules keep one kind of user from starving the others. A part of the budget,
// [Options.SmallBytes], is for small reservations only. And when a reservation has waited for
// 250 ms, the one that is being sent at the lowest rate is cut: see [Reservation.Sending].
//
// [Budget.Within] returns a budget for a part, such as one connection: its reservations count in
// both budgets.
package budget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// ErrExhausted is returned when the budget is used up and was not released in time. Trying again
// later makes sense.
var ErrExhausted = errors.New("the server has no memory left for this at the moment; try again")

// ErrTooLarge is returned when a reservation would exceed the budget even if it were the only one.
// Trying again does not help.
var ErrTooLarge = errors.New("this needs more memory than one request may have")

// NoWait is an [Options.Wait] of no time at all.
const NoWait time.Duration = -1

// Forever is an [Options.Wait] that only the end of the context ends.
const Forever time.Duration = math.MaxInt64

const (
	defaultWait       = 2 * time.Second
	defaultMaxWaiters = 10_000

	// cutAfter is how long a reservation waits before the slowest one is cut, and again before the
	// next.
	cutAfter = 250 * time.Millisecond
	// sendGrace is how long any reservation may be sent before it can be cut.
	sendGrace = time.Second
)

// Options of a [Budget]. [New] panics when a field makes no sense.
type Options struct {
	// Bytes is the size of the budget. It must be positive.
	Bytes int64
	// SmallBytes is the part of Bytes that only small reservations may use. They may use the rest,
	// too. 0: none. It must be less than Bytes.
	SmallBytes int64
	// SmallSize is the size in bytes below which a reservation is small. 0: none is small.
	SmallSize int64
	// Wait is how long Grow waits while the budget is used up. 0: 2 s. [NoWait]: not at all.
	// [Forever]: until ctx ends.
	Wait time.Duration
	// MaxWaiters is how many reservations may wait at a time. Further ones get [ErrExhausted] at
	// once. 0: 10,000.
	MaxWaiters int
}

// check returns an error for options that make no sense.
func (o Options) check() error {
	switch {
	case o.Bytes <= 0:
		return fmt.Errorf("Options.Bytes is not positive: %d", o.Bytes)
	case o.SmallBytes < 0 || o.SmallBytes >= o.Bytes:
		return fmt.Errorf("Options.SmallBytes is not from 0 to less than Bytes: %d", o.SmallBytes)
	case o.SmallSize < 0:
		return fmt.Errorf("Options.SmallSize is negative: %d", o.SmallSize)
	case o.Wait < 0 && o.Wait != NoWait:
		return fmt.Errorf("Options.Wait is negative: %v", o.Wait)
	case o.MaxWaiters < 0:
		return fmt.Errorf("Options.MaxWaiters is negative: %d", o.MaxWaiters)
	}
	return nil
}

// Budget is a number of bytes that reservations share. It is safe for concurrent use.
type Budget struct {
	opts   Options
	parent *Budget // set by Within, else nil

	mu       sync.Mutex // guards the fields below and those of reservations
	held     int64      // by all reservations
	small    int64      // the part of held that small reservations hold
	cutting  int64      // held by reservations that were cut and not released yet
	waiting  []*waiter  // first those that hold bytes, then the others, each in order of arrival
	cutTimer bool       // a timer is running that calls cutSlowest
	sending  map[*Reservation]struct{}
}

// waiter is a reservation that waits for more bytes.
type waiter struct {
	reservation *Reservation
	bytes       int64
	granted     chan struct{} // closed when the bytes are granted
}

// New returns an unused budget. It panics when the options make no sense.
func New(opts Options) *Budget {
	if err := opts.check(); err != nil {
		panic("budget: " + err.Error())
	}
	opts.Wait = cmp.Or(opts.Wait, defaultWait)
	opts.MaxWaiters = cmp.Or(opts.MaxWaiters, defaultMaxWaiters)
	return &Budget{opts: opts, sending: make(map[*Reservation]struct{})}
}

// Within returns a budget for a part of b, such as one connection: its reservations hold at most so
// many bytes, and count in b as well. Its waits are those of b, and so are the sizes of small
// reservations.
func (b *Budget) Within(bytes int64) *Budget {
	return &Budget{opts: Options{Bytes: bytes, Wait: b.opts.Wait, MaxWaiters: b.opts.MaxWaiters}, parent: b}
}

// Held returns how many bytes are reserved.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// Waiting returns how many reservations wait.
func (b *Budget) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// grow takes bytes for a reservation, and waits for them until the deadline. The zero time is no
// deadline.
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
	if b.opts.Wait == NoWait || len(b.waiting) >= b.opts.MaxWaiters {
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

// wait returns nil when the bytes are granted.
func (w *waiter) wait(ctx context.Context, deadline time.Time) error {
	var expired <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-expired:
		return ErrExhausted
	}
}

// withdraw removes a waiter from the queue. If its bytes were granted meanwhile, it keeps them and
// withdraw returns nil.
func (b *Budget) withdraw(w *waiter, err error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, w)
	if i < 0 {
		return nil
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	b.grant() // the waiters behind it may fit
	return err
}

// enqueue inserts a waiter: one that holds bytes before all that hold none, else at the end. The
// caller holds b.mu.
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

// maxSize returns the limit for a reservation of this size.
func (b *Budget) maxSize(size int64) int64 {
	if size < b.opts.SmallSize {
		return b.opts.Bytes
	}
	return b.opts.Bytes - b.opts.SmallBytes
}

// fits reports whether a reservation may take so many bytes now. Behind other waiters it may only
// use the part for small reservations. The caller holds b.mu.
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

// add changes the size of a reservation by a positive or negative number of bytes. The caller holds
// b.mu.
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

// grant gives bytes to waiters as far as there are any. The caller holds b.mu.
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

// cutSlowest cuts the reservation that is sent slowest, unless those that were cut before release
// enough for the first waiter. It runs again while there are waiters.
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

// slowest returns the reservation that is sent at the lowest rate, nil when none is past sendGrace.
// The caller holds b.mu.
func (b *Budget) slowest(now time.Time) *Reservation {
	var slowest *Reservation
	for r := range b.sending {
		if now.Sub(r.since) >= sendGrace && (slowest == nil || r.rate(now) < slowest.rate(now)) {
			slowest = r
		}
	}
	return slowest
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

// drop takes bytes from a reservation and grants them to waiters. The caller holds b.mu.
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
