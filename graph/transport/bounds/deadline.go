package bounds

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// deadline is a context that ends at a time which is set once it exists already: an operation's
// time begins with its first field, not with its request. Its timer is made when somebody asks for
// Done. Most reads never do, and a timer costs a tenth of what they allocate (BenchmarkPost of
// package gqlhttp).
type deadline struct {
	context.Context // of the request

	begun  atomic.Bool           // at is set, and does not change any more
	at     time.Time             // when the time is over
	timing sync.Mutex            // held while timer is made, and never during a wait
	timer  atomic.Pointer[timer] // nil: not needed so far
}

type timer struct {
	context.Context
	cancel context.CancelFunc
}

// begin starts the time. Contexts below may be asked for their end meanwhile.
func (d *deadline) begin(limit time.Duration) {
	d.at = time.Now().Add(limit)
	d.begun.Store(true)
}

// Deadline returns the end of the operation's time.
func (d *deadline) Deadline() (time.Time, bool) {
	outer, ok := d.Context.Deadline()
	if !d.begun.Load() || ok && outer.Before(d.at) {
		return outer, ok
	}
	return d.at, true
}

// Done returns a channel that is closed at the end of the request or of the operation's time.
func (d *deadline) Done() <-chan struct{} {
	if !d.begun.Load() {
		return d.Context.Done()
	}
	if t := d.timer.Load(); t != nil {
		return t.Done()
	}
	d.timing.Lock()
	defer d.timing.Unlock()
	t := d.timer.Load()
	if t == nil {
		t = new(timer)
		t.Context, t.cancel = context.WithDeadline(d.Context, d.at)
		d.timer.Store(t)
	}
	return t.Done()
}

// Err returns why the operation is over. It is not nil once Done is closed, also when the answer
// has ended before its time.
func (d *deadline) Err() error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	if t := d.timer.Load(); t != nil {
		return t.Err()
	}
	if d.begun.Load() && !time.Now().Before(d.at) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value asks the context that Done belongs to. The context package looks there for what ends a
// context below; otherwise it starts a goroutine that waits for Done, for each write (BenchmarkSet
// of package graph).
func (d *deadline) Value(key any) any {
	if t := d.timer.Load(); t != nil {
		return t.Value(key)
	}
	return d.Context.Value(key)
}

// stop ends the context, and frees its timer.
func (d *deadline) stop() {
	d.timing.Lock()
	defer d.timing.Unlock()
	if t := d.timer.Load(); t != nil {
		t.cancel()
	}
}
