package writer

import (
	"errors"
	"sync/atomic"
	"time"

	"configapi/internal/eventstore"
)

// Attempts records whether the event store takes writes, as far as was tried. It is safe for
// concurrent use.
type Attempts struct {
	timeout time.Duration // how long an attempt may take
	failed  atomic.Pointer[error]
	begun   atomic.Pointer[time.Time] // the attempt under way; the writer makes one at a time
}

// NewAttempts returns the record of the writers that are given it. They must have equal options.
func NewAttempts(opts Options) *Attempts {
	opts.setDefaults()
	return &Attempts{timeout: opts.AppendTimeout + time.Second}
}

var errStuck = errors.New("the event store does not answer: what is being written has no outcome yet")

// Problem returns why the newest attempt failed, or that the present one takes too long. It returns
// nil while nothing is known against the event store.
func (a *Attempts) Problem() error {
	if begun := a.begun.Load(); begun != nil && time.Since(*begun) > a.timeout {
		return errStuck
	}
	if failed := a.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

func (a *Attempts) begin() time.Time {
	now := time.Now()
	a.begun.Store(&now)
	return now
}

// end records how an attempt ended. An attempt that another node was faster than proves nothing
// about the event store.
func (a *Attempts) end(err error) {
	a.begun.Store(nil)
	switch {
	case err == nil:
		a.failed.Store(nil)
	case !errors.Is(err, eventstore.ErrHeadMoved) && !errors.Is(err, eventstore.ErrKeyTaken):
		a.failed.Store(&err)
	}
}
