package eventstoretest

import (
	"context"
	"fmt"

	"configapi/internal/eventstore"
)

// Verify returns all records of a history after proving that they form one chain that ends at the
// head. Otherwise the error is a [*eventstore.ChainError].
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

// Next returns records that follow a head, one for each name, and the head that they lead to, for a
// store's own tests to append. Each is the first record of a name that no other has: its seq is
// added to the name that is given.
func Next(head eventstore.Head, names ...string) ([]eventstore.Record, eventstore.Head) {
	records := make([]eventstore.Record, len(names))
	for i, name := range names {
		records[i] = draft(fmt.Sprintf("%s/%d", name, int(head.Seq)+i+1), 1)
	}
	return records, seal(head, records)
}
