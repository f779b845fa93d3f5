package eventstoretest

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

// Verify returns all records of a history, after it has proved that they are one chain that ends at the head. The error
// is a [*eventstore.ChainError] when they are not.
func Verify(ctx context.Context, s eventstore.Store) ([]eventstore.Record, error) {
	head, err := s.Head(ctx)
	if err != nil {
		return nil, err
	}
	var (
		all   []eventstore.Record
		chain eventstore.Chain
		at    eventstore.Head
	)
	for {
		page, err := s.Read(ctx, at.Seq, eventstore.Limit{Records: 1000})
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		if at, err = chain.Verify(at, page); err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	if at.Seq != head.Seq || at.Hash != head.Hash || !at.RecordedAt.Equal(head.RecordedAt) {
		return nil, &eventstore.ChainError{Seq: at.Seq + 1, Problem: fmt.Sprintf("the head is %v", head)}
	}
	return all, nil
}

// Next returns records that follow a head, one for each name, and the head that they lead to. A store's own tests write
// them. A record's version is its position, so that names may come again.
func Next(head eventstore.Head, names ...string) ([]eventstore.Record, eventstore.Head) {
	records := make([]eventstore.Record, len(names))
	for i, name := range names {
		records[i] = draft(name, int(head.Seq)+i+1)
	}
	return records, seal(head, records)
}
