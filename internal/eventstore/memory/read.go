package memory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"configapi/internal/eventstore"
)

// Read returns records after a seq, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.ReadHistory(ctx, eventstore.Head{}, after, limit)
}

// ReadHistory returns records after a seq, oldest first.
func (s *Store) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.read(ctx, basis, func() []eventstore.Record { return s.page(after, limit) })
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.read(ctx, basis, func() []eventstore.Record {
		p := newPage(limit)
		next, found := s.find(name, after)
		if found {
			next++
		}
		for _, e := range s.byName[name][next:] {
			if !p.takes() {
				break
			}
			p.add(s.records[e.index])
		}
		return p.records
	})
}

// ReadConfigBack returns records of one name before a version, newest first.
func (s *Store) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.read(ctx, basis, func() []eventstore.Record {
		p := newPage(limit)
		end, _ := s.find(name, before)
		for _, e := range slices.Backward(s.byName[name][:end]) {
			if !p.takes() {
				break
			}
			p.add(s.records[e.index])
		}
		return p.records
	})
}

// ReadInstant returns the newest record at or before an instant, without its data.
func (s *Store) ReadInstant(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error) {
	found, err := s.read(ctx, basis, func() []eventstore.Record {
		end, _ := slices.BinarySearchFunc(s.records, instant, func(r eventstore.Record, t time.Time) int {
			if r.RecordedAt.After(t) {
				return 1
			}
			return -1
		})
		return s.records[max(end-1, 0):end]
	})
	if err != nil || len(found) == 0 {
		return eventstore.Record{}, err
	}
	newest := found[0]
	newest.Data = ""
	return newest, nil
}

// ReadAsOf returns for each of the names its newest record at or before a seq, by name.
func (s *Store) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.read(ctx, basis, func() []eventstore.Record {
		p := newPage(limit)
		for _, name := range slices.Sorted(slices.Values(q.Names)) {
			if !p.takes() {
				break
			}
			r, ok := s.newest(name, q.At)
			if !ok {
				continue
			}
			if q.NoData {
				r.Data = ""
			}
			p.add(r)
		}
		return p.records
	})
}

// ReadVersions returns the records of versions, in the order asked.
func (s *Store) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.read(ctx, basis, func() []eventstore.Record {
		p := newPage(limit)
		for _, v := range versions {
			if !p.takes() {
				break
			}
			if at, found := s.find(v.Name, v.Version); found {
				p.add(s.records[s.byName[v.Name][at].index])
			}
		}
		return p.records
	})
}

// LookUp returns the records of versions, in the order asked.
func (s *Store) LookUp(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	return s.ReadVersions(ctx, eventstore.Head{}, versions, limit)
}

// read returns what what returns, if the history contains the basis.
func (s *Store) read(ctx context.Context, basis eventstore.Head, what func() []eventstore.Record) ([]eventstore.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.has(basis) {
		return nil, fmt.Errorf("%w: it does not have %s", eventstore.ErrDiverged, basis.Position())
	}
	return what(), nil
}

func (s *Store) has(basis eventstore.Head) bool {
	at, found := slices.BinarySearchFunc(s.records, basis.Seq, compareSeq)
	return basis.Seq == 0 || found && s.records[at].Hash == basis.Hash
}

func (s *Store) page(after eventstore.Seq, limit eventstore.Limit) []eventstore.Record {
	next, found := slices.BinarySearchFunc(s.records, after, compareSeq)
	if found {
		next++
	}
	p := newPage(limit)
	for _, r := range s.records[next:] {
		if !p.takes() {
			break
		}
		p.add(r)
	}
	return p.records
}

// newest returns a name's newest record at or before a seq. It relies on versions growing with
// seqs.
func (s *Store) newest(name string, at eventstore.Seq) (r eventstore.Record, ok bool) {
	for _, e := range slices.Backward(s.byName[name]) {
		if r = s.records[e.index]; r.Seq <= at {
			return r, true
		}
	}
	return eventstore.Record{}, false
}

func compareSeq(r eventstore.Record, p eventstore.Seq) int {
	return cmp.Compare(r.Seq, p)
}

// page collects records up to the limit of one read.
type page struct {
	limit   eventstore.Limit
	records []eventstore.Record
	bytes   int
}

func newPage(limit eventstore.Limit) page { return page{limit: limit.WithDefaults()} }

func (p *page) takes() bool {
	return len(p.records) < p.limit.Records && p.bytes < p.limit.Bytes
}

func (p *page) add(r eventstore.Record) {
	p.records = append(p.records, r)
	p.bytes += len(r.Data)
}
