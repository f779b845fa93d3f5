package writer

import (
	"context"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// monitoredStore is the event store as the writer uses it: it records and measures each attempt to
// write. The methods that take no context have one of their own, since the end of a caller must not
// cut off an append that was sent.
type monitoredStore struct {
	eventstore.Store
	timeout  time.Duration // of one call
	attempts *Attempts
	appended func(events int, took time.Duration)
	caughtUp func(time.Time) // see [projection.Follower.ConfirmCurrent]
}

func (s *monitoredStore) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	began := s.attempts.begin()
	err := s.Store.Append(ctx, expected, records, receipts...)
	s.appended(len(records), time.Since(began))
	s.attempts.end(err)
	if err == nil {
		s.caughtUp(began)
	}
	return err
}

func (s *monitoredStore) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
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

func (s *monitoredStore) DurableHead(ctx context.Context) (eventstore.Head, error) {
	s.attempts.begin()
	head, err := s.Store.DurableHead(ctx)
	s.attempts.end(err)
	return head, err
}

// context returns a context for one call.
func (s *monitoredStore) context() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), s.timeout)
}

// send appends a batch.
func (s *monitoredStore) send(b *batch) error {
	ctx, cancel := s.context()
	defer cancel()
	return s.Append(ctx, b.from, b.records, b.receipts...)
}

// lookUp looks for a batch that was sent. The outcome is known when the batch is in the history, or
// when the head has left the place where the batch would begin. A head before that place proves
// nothing: the batch may still be written.
func (s *monitoredStore) lookUp(b *batch) (known bool, err error) {
	ctx, cancel := s.context()
	defer cancel()
	head, err := s.Head(ctx)
	switch {
	case err != nil || head.Same(b.from):
		return false, err
	case head.Seq < b.from.Seq:
		return false, projection.ErrDiverged
	}
	records, err := s.Read(ctx, b.tip.Seq-1, eventstore.Limit{Records: 1})
	if err != nil {
		return false, err
	}
	if len(records) == 1 && eventstore.HeadOf(&records[0]).Same(b.tip) {
		return true, nil
	}
	return true, eventstore.ErrHeadMoved
}

// head returns the head of the history.
func (s *monitoredStore) head() (eventstore.Head, error) {
	ctx, cancel := s.context()
	defer cancel()
	head, err := s.Head(ctx)
	if err != nil {
		err = fault.NotWritten(err)
	}
	return head, err
}

// durableHead returns the head once all that can be read is as durable as an acknowledged append.
// Until then it is unknown whether what was found will stay.
func (s *monitoredStore) durableHead() (eventstore.Head, error) {
	ctx, cancel := s.context()
	defer cancel()
	head, err := s.DurableHead(ctx)
	if err != nil {
		err = fault.OutcomeUnknown(err)
	}
	return head, err
}
