package configstore

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"configapi/internal/eventstore"
)

// writes says whether the event store takes writes, as far as was tried.
type writes struct{ failed atomic.Pointer[error] }

// WriteProblem says why the newest attempt to write to the event store failed: the store was away, refused, or did not
// answer. nil: it did not fail, or nothing was written so far. While there is a problem the store tries again by itself
// about once in Options.RetryMax, so that the answer is never older than that and the time of one attempt.
func (s *Store) WriteProblem() error { return s.writes.problem() }

func (w *writes) problem() error {
	if failed := w.failed.Load(); failed != nil {
		return *failed
	}
	return nil
}

// note takes what an attempt came to. That somebody else was faster says nothing of the store.
func (w *writes) note(err error) {
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
}

func (s watched) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	began := time.Now()
	err := s.Store.Append(ctx, expected, records, receipts...)
	s.appended(len(records), time.Since(began))
	s.writes.note(err)
	return err
}

func (s watched) AppendLocked(ctx context.Context, after eventstore.Position, decide eventstore.Decide) error {
	began, events := time.Now(), 0
	var undecided error
	err := s.Store.AppendLocked(ctx, after, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		records, receipts, err := decide(head, missed)
		events, undecided = len(records), err
		return records, receipts, err
	})
	s.appended(events, time.Since(began))
	if undecided == nil {
		s.writes.note(err)
	}
	return err
}

func (s watched) DurableHead(ctx context.Context) (eventstore.Head, error) {
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
