package memory

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"configapi/internal/eventstore"
)

// Read returns records after a position, oldest first.
func (s *Store) Read(ctx context.Context, after eventstore.Position, limit int) ([]eventstore.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.page(after, limit), nil
}

func (s *Store) page(after eventstore.Position, limit int) []eventstore.Record {
	next, found := slices.BinarySearchFunc(s.records, after, comparePosition)
	if found {
		next++
	}
	var p page
	for _, r := range s.records[next:] {
		if !p.takes(limit) {
			break
		}
		p.add(r)
	}
	return p.records
}

// ReadConfig returns records of one name after a version, oldest first.
func (s *Store) ReadConfig(ctx context.Context, name string, after, limit int) ([]eventstore.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var p page
	next, found := s.find(name, after)
	if found {
		next++
	}
	for _, e := range s.byName[name][next:] {
		if !p.takes(limit) {
			break
		}
		p.add(s.records[e.place])
	}
	return p.records, nil
}

// ReadAsOf returns for each of the names its newest record at or before a position, by name.
func (s *Store) ReadAsOf(ctx context.Context, at eventstore.Position, names []string) ([]eventstore.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var records []eventstore.Record
	for _, name := range names {
		if r, ok := s.newest(name, at); ok {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b eventstore.Record) int { return strings.Compare(a.Name, b.Name) })
	return records, nil
}

// newest returns a name's newest record at or before a position. It relies on it that of two records of a name the later
// has the higher version.
func (s *Store) newest(name string, at eventstore.Position) (r eventstore.Record, ok bool) {
	for _, e := range slices.Backward(s.byName[name]) {
		if r = s.records[e.place]; r.Position <= at {
			return r, true
		}
	}
	return eventstore.Record{}, false
}

func comparePosition(r eventstore.Record, p eventstore.Position) int {
	return cmp.Compare(r.Position, p)
}

// page gathers records up to the limits of one read.
type page struct {
	records []eventstore.Record
	bytes   int
}

func (p *page) takes(limit int) bool {
	return len(p.records) < limit && p.bytes < eventstore.PageBytes
}

func (p *page) add(r eventstore.Record) {
	p.records = append(p.records, r)
	p.bytes += len(r.Data)
}
