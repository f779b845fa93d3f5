package memory

import (
	"context"
	"slices"

	"configapi/internal/eventstore"
)

// ReadBack returns the records that q selects, newest first.
func (s *Store) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	end := q.After + 1
	records, err := s.read(ctx, basis, func() (found []eventstore.Record) {
		found, end = s.back(q, limit)
		return found
	})
	return records, end, err
}

func (s *Store) back(q eventstore.Back, limit eventstore.Limit) (found []eventstore.Record, end eventstore.Seq) {
	p, left := newPage(limit), q.Enough(limit)*max(1, len(q.Names))
	first, _ := slices.BinarySearchFunc(s.records, q.After+1, compareSeq)
	last, _ := slices.BinarySearchFunc(s.records, q.Before, compareSeq)
	for i := last - 1; i >= first; i-- {
		r := &s.records[i]
		if q.Names != nil && !slices.Contains(q.Names, r.Name) ||
			q.Names == nil && q.Actor != nil && (r.Actor == nil || *r.Actor != *q.Actor) {
			continue
		}
		if q.Selects(r) {
			p.add(*r)
		}
		if left--; left == 0 || !p.takes() {
			return p.records, r.Seq
		}
	}
	return p.records, q.After + 1
}

// ReadHeads returns the heads that the history had at some seqs.
func (s *Store) ReadHeads(ctx context.Context, basis eventstore.Head, seqs []eventstore.Seq) ([]eventstore.Head, error) {
	var heads []eventstore.Head
	_, err := s.read(ctx, basis, func() []eventstore.Record {
		for _, seq := range seqs {
			if at, found := slices.BinarySearchFunc(s.records, seq, compareSeq); found {
				heads = append(heads, eventstore.HeadOf(&s.records[at]))
			}
		}
		return nil
	})
	return heads, err
}

// ReadNames returns the names that have a record after one seq and up to another.
func (s *Store) ReadNames(ctx context.Context, basis eventstore.Head, after, upTo eventstore.Seq) ([]string, error) {
	var names []string
	_, err := s.read(ctx, basis, func() []eventstore.Record {
		first, _ := slices.BinarySearchFunc(s.records, after+1, compareSeq)
		end, _ := slices.BinarySearchFunc(s.records, upTo+1, compareSeq)
		for i := first; i < end; i++ {
			names = append(names, s.records[i].Name)
		}
		return nil
	})
	slices.Sort(names)
	return slices.Compact(names), err
}
