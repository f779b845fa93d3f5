package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"configapi/internal/eventstore"
)

// newestPage is how many records EachNewest passes to yield at once.
const newestPage = 1000

// EachNewest passes the newest record of each name at or before a basis to yield.
func (s *Store) EachNewest(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
	found, err := s.newestAt(basis)
	for page := range slices.Chunk(found, newestPage) {
		if err := cmp.Or(ctx.Err(), yield(page)); err != nil {
			return err
		}
	}
	return cmp.Or(err, ctx.Err())
}

func (s *Store) newestAt(basis eventstore.Head) ([]eventstore.Newest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.has(basis) {
		return nil, fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, basis.Position())
	}
	var found []eventstore.Newest
	for _, name := range slices.Sorted(maps.Keys(s.byName)) {
		if r, ok := s.newest(name, basis.Seq); ok {
			n := s.complete(r)
			n.Order = len(found)
			found = append(found, n)
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
