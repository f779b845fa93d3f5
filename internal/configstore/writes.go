package configstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"configapi/internal/eventstore"
)

// writes says whether the event store takes writes, as far as was tried.
type writes struct {
	patience time.Duration // how long an attempt may take
	failed   atomic.Pointer[error]
	begun    atomic.Pointer[time.Time] // the attempt that is under way; the writer makes one at a time
}

var errStuck = errors.New("the event store does not answer: what is being written has no outcome yet")

func (w *writes) problem() error {
	if begun := w.begun.Load(); begun != nil && time.Since(*begun) > w.patience {
		return errStuck
	}
	if failed := w.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// begin notes that an attempt is under way.
func (w *writes) begin() time.Time {
	now := time.Now()
	w.begun.Store(&now)
	return now
}

// note takes the outcome of an attempt. A lost race against another node says nothing about the
// store.
func (w *writes) note(err error) {
	w.begun.Store(nil)
	switch {
	case err == nil:
		w.failed.Store(nil)
	case !errors.Is(err, eventstore.ErrHeadMoved) && !errors.Is(err, eventstore.ErrKeyTaken):
		w.failed.Store(&err)
	}
}

// watched is an event store of which all that it is given to write is noted, and measured.
type watched struct {
	eventstore.Store
	writes   *writes
	appended func(events int, took time.Duration)
	caughtUp func(time.Time) // with all that was there before; see [projection.Follower.CaughtUp]
}

func (s watched) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	began := s.writes.begin()
	err := s.Store.Append(ctx, expected, records, receipts...)
	s.appended(len(records), time.Since(began))
	s.writes.note(err)
	if err == nil {
		s.caughtUp(began)
	}
	return err
}

func (s watched) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	began, events := s.writes.begin(), 0
	var undecided error
	err := s.Store.AppendLocked(ctx, after, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		records, receipts, err := decide(head, missed)
		events, undecided = len(records), err
		return records, receipts, err
	})
	s.appended(events, time.Since(began))
	s.writes.begun.Store(nil)
	if undecided == nil {
		s.writes.note(err)
	}
	if err == nil {
		s.caughtUp(began)
	}
	return err
}

func (s watched) DurableHead(ctx context.Context) (eventstore.Head, error) {
	s.writes.begin()
	head, err := s.Store.DurableHead(ctx)
	s.writes.note(err)
	return head, err
}

// retry is when it is time to try again whether the store takes writes: never while it does.
func (w *writer) retry() <-chan time.Time {
	if w.writes.problem() == nil {
		return nil
	}
	return time.After(w.opts.RetryMax)
}
