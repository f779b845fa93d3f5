package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"

	"configapi/internal/eventstore"
)

// ReadNewest returns the newest records of the names after a name, by name.
func (s *Store) ReadNewest(ctx context.Context, basis eventstore.Head, after string, limit eventstore.Limit) ([]eventstore.Newest, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	limit = limit.WithDefaults()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.has(basis) {
		return nil, fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, basis.Position())
	}
	names := slices.Sorted(maps.Keys(s.byName))
	names = names[sort.Search(len(names), func(i int) bool { return names[i] > after }):]
	var found []eventstore.Newest
	for bytes := 0; len(names) > 0 && bytes < limit.Bytes && len(found) < limit.Records; names = names[1:] {
		if r, ok := s.newest(names[0], basis.Seq); ok {
			found = append(found, s.complete(r))
			bytes += len(r.Data)
		}
	}
	return found, nil
}

// complete adds to a record what [eventstore.Newest] has besides.
func (s *Store) complete(r eventstore.Record) eventstore.Newest {
	n := eventstore.NewestOf(r)
	if before, ok := s.at(r.Seq - 1); ok {
		n.Before = eventstore.HeadOf(&before)
	}
	if end, ok := s.at(r.ChangeSet); ok {
		n.SetEnd = end.Hash
	}
	if first, ok := s.find(r.Name, 1); ok {
		n.CreatedAt = s.records[s.byName[r.Name][first].index].RecordedAt
	}
	return n
}

// at returns the record at a seq.
func (s *Store) at(seq eventstore.Seq) (r eventstore.Record, found bool) {
	i, found := slices.BinarySearchFunc(s.records, seq, compareSeq)
	if found {
		r = s.records[i]
	}
	return r, found
}
