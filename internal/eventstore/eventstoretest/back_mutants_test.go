package eventstoretest_test

import (
	"context"
	"slices"
	"strings"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// everyStream selects events of streams that are not configs, too.
type everyStream struct{ *memory.Store }

func (s everyStream) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	if q.Names != nil || q.Prefix != "" || q.Actor != nil || q.Operations != nil {
		return s.Store.ReadBack(ctx, basis, q, limit)
	}
	records, err := s.Store.ReadHistory(ctx, basis, q.After, eventstore.Limit{})
	records = slices.DeleteFunc(records, func(r eventstore.Record) bool { return r.Seq >= q.Before })
	slices.Reverse(records)
	return records, q.After + 1, err
}

// wildPrefix selects names that begin with the prefix within a segment.
type wildPrefix struct{ *memory.Store }

func (s wildPrefix) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	prefix := q.Prefix
	q.Prefix = ""
	records, end, err := s.Store.ReadBack(ctx, basis, q, limit)
	return slices.DeleteFunc(records, func(r eventstore.Record) bool { return !strings.HasPrefix(r.Name, prefix) }), end, err
}

// skipsOne says that it has examined one record more than it has.
type skipsOne struct{ *memory.Store }

func (s skipsOne) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	records, end, err := s.Store.ReadBack(ctx, basis, q, limit)
	return records, max(q.After+1, end-1), err
}

// unbounded examines the whole history when little of it is selected.
type unbounded struct{ *memory.Store }

func (s unbounded) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	q.Examine = 0
	return s.Store.ReadBack(ctx, basis, q, limit)
}

// inclusiveNames returns the name of the event at the first seq, too.
type inclusiveNames struct{ *memory.Store }

func (s inclusiveNames) ReadNames(ctx context.Context, basis eventstore.Head, after, upTo eventstore.Seq) ([]string, error) {
	return s.Store.ReadNames(ctx, basis, after-1, upTo)
}
