package eventstoretest_test

import (
	"context"
	"errors"
	"math"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// notLocked reads, decides and appends without keeping other writers out.
type notLocked struct{ *memory.Store }

func (s notLocked) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	head, err := s.Head(ctx)
	if err != nil {
		return err
	}
	missed, err := s.Read(ctx, after, eventstore.Limit{Records: eventstore.MaxMissed})
	if err != nil {
		return err
	}
	records, receipts, err := decide(head, missed)
	if err != nil || len(records)+len(receipts) == 0 {
		return err
	}
	dawdle(ctx, s.Store, head)
	return s.Append(ctx, head, records, receipts...)
}

// missesOne passes one missed record too few to decide.
type missesOne struct{ *memory.Store }

func (s missesOne) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	return s.Store.AppendLocked(ctx, after, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		return decide(head, missed[min(1, len(missed)):])
	})
}

// asksAnyway calls decide although too many records were missed, with those that it has.
type asksAnyway struct{ *memory.Store }

func (s asksAnyway) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	err := s.Store.AppendLocked(ctx, after, decide)
	if err == eventstore.ErrHeadMoved {
		_, _, _ = decide(eventstore.Head{}, nil)
	}
	return err
}

// careless keeps receipts although their append is refused.
type careless struct{ *memory.Store }

func (s careless) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	err := s.Store.Append(ctx, expected, records, receipts...)
	if errors.Is(err, eventstore.ErrNotWritten) && len(receipts) > 0 {
		_ = s.Store.Append(ctx, expected, nil, receipts...)
	}
	return err
}

// anywhere accepts receipts alone at any head.
type anywhere struct{ *memory.Store }

func (s anywhere) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) (err error) {
	if len(records) == 0 {
		if expected, err = s.Head(ctx); err != nil {
			return err
		}
	}
	return s.Store.Append(ctx, expected, records, receipts...)
}

// upsert replaces receipts whose keys are taken.
type upsert struct{ *memory.Store }

func (s upsert) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	err := s.Store.Append(ctx, expected, records, receipts...)
	for err == eventstore.ErrKeyTaken {
		if _, err = s.PruneReceipts(ctx, time.Unix(math.MaxInt32, 0), math.MaxInt); err == nil {
			err = s.Store.Append(ctx, expected, records, receipts...)
		}
	}
	return err
}

// anyActor ignores the actor of a key.
type anyActor struct{ *memory.Store }

func (s anyActor) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	for i := range receipts {
		receipts[i].Actor = ""
	}
	return s.Store.Append(ctx, expected, records, receipts...)
}

// noLimit ignores the limit of PruneReceipts.
type noLimit struct{ *memory.Store }

func (s noLimit) PruneReceipts(ctx context.Context, before time.Time, _ int) (int, error) {
	return s.Store.PruneReceipts(ctx, before, math.MaxInt)
}

// inclusive also prunes receipts made at the given time.
type inclusive struct{ *memory.Store }

func (s inclusive) PruneReceipts(ctx context.Context, before time.Time, limit int) (int, error) {
	return s.Store.PruneReceipts(ctx, before.Add(time.Microsecond), limit)
}

// newestUse keeps the use that was written last, not the latest.
type newestUse struct{ *memory.Store }

func (s newestUse) KeepUses(ctx context.Context, uses []eventstore.Use) error {
	for _, use := range uses {
		if err := s.DropUses(ctx, []string{use.Secret}); err != nil {
			return err
		}
	}
	return s.Store.KeepUses(ctx, uses)
}
