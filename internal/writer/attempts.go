package writer

import (
	"context"
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

// monitoredStore is an event store that records and measures each attempt to write to it.
type monitoredStore struct {
	eventstore.Store
	attempts *Attempts
	appended func(events int, took time.Duration)
	caughtUp func(time.Time) // see [projection.Follower.CaughtUp]
}

func (s monitoredStore) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	began := s.attempts.begin()
	err := s.Store.Append(ctx, expected, records, receipts...)
	s.appended(len(records), time.Since(began))
	s.attempts.end(err)
	if err == nil {
		s.caughtUp(began)
	}
	return err
}

func (s monitoredStore) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	began, events := s.attempts.begin(), 0
	var undecided error // the writer's own error, which proves nothing about the event store
	err := s.Store.AppendLocked(ctx, after, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		records, receipts, err := decide(head, missed)
		events, undecided = len(records), err
		return records, receipts, err
	})
	s.appended(events, time.Since(began))
	s.attempts.begun.Store(nil)
	if undecided == nil {
		s.attempts.end(err)
	}
	if err == nil {
		s.caughtUp(began)
	}
	return err
}

func (s monitoredStore) DurableHead(ctx context.Context) (eventstore.Head, error) {
	s.attempts.begin()
	head, err := s.Store.DurableHead(ctx)
	s.attempts.end(err)
	return head, err
}
