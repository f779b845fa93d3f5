package sqlite

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

// Append writes records and receipts in one transaction. While another store writes to the file, it
// waits until the busy timeout or the end of ctx. After that it ignores ctx, so ctx never leaves
// the outcome unknown.
func (s *Store) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	return s.append(ctx, func(t *transaction) error { return s.finish(t, expected, records, receipts) })
}

// AppendLocked appends what decide returns while no other store can write to the file. The readers
// read the missed records: they see the history as it was when the transaction began.
func (s *Store) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	return s.append(ctx, func(t *transaction) error {
		head, missed, err := s.missed(ctx, after)
		if err != nil {
			return t.abort(err)
		}
		records, receipts, err := decide(head, missed)
		if err != nil || len(records)+len(receipts) == 0 {
			return t.abort(err)
		}
		return s.finish(t, head, records, receipts)
	})
}

// DurableHead returns the head after a commit of its own is on disk.
func (s *Store) DurableHead(ctx context.Context) (head eventstore.Head, err error) {
	err = s.append(ctx, func(t *transaction) error {
		if head, err = s.Head(ctx); err != nil {
			return t.abort(err)
		}
		if err := t.conn.run(t.touch, nil); err != nil {
			return notWritten(fmt.Errorf("touching the head: %w", err))
		}
		return t.end()
	})
	return head, err
}

func (s *Store) append(ctx context.Context, do func(*transaction) error) error {
	if s.writer == nil {
		return fmt.Errorf("appending: %w", notWritten(errReadOnly))
	}
	err := s.writer.run(ctx, do)
	if err == nil || err == eventstore.ErrHeadMoved || err == eventstore.ErrKeyTaken {
		return err
	}
	return fmt.Errorf("appending: %w", err)
}

func (s *Store) finish(t *transaction, expected eventstore.Head, records []eventstore.Record, receipts []eventstore.Receipt) error {
	if err := t.finish(expected, records, receipts); err != nil {
		return err
	}
	if len(records) > 0 {
		s.newest.raise(records[len(records)-1].Seq)
	}
	return nil
}

// missed returns the head and the records between a seq and the head.
func (s *Store) missed(ctx context.Context, after eventstore.Seq) (eventstore.Head, []eventstore.Record, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return eventstore.Head{}, nil, err
	}
	records, err := s.Read(ctx, after, eventstore.MissedLimit())
	if err != nil {
		return eventstore.Head{}, nil, err
	}
	if after+eventstore.Seq(len(records)) != head.Seq {
		return eventstore.Head{}, nil, eventstore.ErrHeadMoved
	}
	return head, records, nil
}
