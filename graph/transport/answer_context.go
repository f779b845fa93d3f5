package transport

import (
	"context"
	"time"
)

// timed is the context that ends at the deadline of an answer.
type timed struct {
	context.Context
	cancel context.CancelFunc
}

// Deadline is the end of the operation's time.
func (a *Answer) Deadline() (time.Time, bool) {
	deadline, ok := a.Context.Deadline()
	if !a.begun.Load() || ok && deadline.Before(a.deadline) {
		return deadline, ok
	}
	return a.deadline, true
}

// Done is closed at the end of the request or of the operation's time. The timer for that is only
// made when Done is called: most reads do not.
func (a *Answer) Done() <-chan struct{} {
	if !a.begun.Load() {
		return a.Context.Done()
	}
	if t := a.timed.Load(); t != nil {
		return t.Done()
	}
	a.timing.Lock()
	defer a.timing.Unlock()
	t := a.timed.Load()
	if t == nil {
		t = new(timed)
		t.Context, t.cancel = context.WithDeadline(a.Context, a.deadline)
		a.timed.Store(t)
	}
	return t.Done()
}

// Err says why the operation is over. It is not nil once Done is closed, also when the answer has
// ended before its time.
func (a *Answer) Err() error {
	if err := a.Context.Err(); err != nil {
		return err
	}
	if t := a.timed.Load(); t != nil {
		return t.Err()
	}
	if a.begun.Load() && !time.Now().Before(a.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value returns the answer itself for its own key. All else is asked of the context that Done is
// of: the context package looks there for what ends a context below, and otherwise has a goroutine
// wait for Done, for each write (BenchmarkSet of package graph).
func (a *Answer) Value(key any) any {
	if key == (answerKey{}) {
		return a
	}
	if t := a.timed.Load(); t != nil {
		return t.Value(key)
	}
	return a.Context.Value(key)
}
