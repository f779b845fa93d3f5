package eventstoretest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"configapi/internal/eventstore"
)

// model is what a history must contain: a slice that is searched from end to end.
type model []eventstore.Record

func (m model) head() eventstore.Head {
	if len(m) == 0 {
		return eventstore.Head{}
	}
	r := m[len(m)-1]
	return eventstore.Head{Seq: r.Seq, Hash: r.Hash, RecordedAt: r.RecordedAt}
}

func (m model) read(after eventstore.Seq, limit int) []eventstore.Record {
	return m.filter(limit, func(r eventstore.Record) bool { return r.Seq > after })
}

func (m model) readConfig(name string, after, limit int) []eventstore.Record {
	return m.filter(limit, func(r eventstore.Record) bool { return r.Name == name && r.Version > after })
}

func (m model) readConfigBack(name string, before, limit int) []eventstore.Record {
	back := slices.Clone(m)
	slices.Reverse(back)
	return back.filter(limit, func(r eventstore.Record) bool { return r.Name == name && r.Version < before })
}

func (m model) readInstant(instant time.Time) (newest eventstore.Record) {
	for _, r := range m {
		if !r.RecordedAt.After(instant) {
			newest = r
		}
	}
	newest.Data = ""
	return newest
}

func (m model) readAsOf(at eventstore.Seq, names []string) []eventstore.Record {
	newest := make(map[string]eventstore.Record)
	for _, r := range m.read(0, int(at)) {
		newest[r.Name] = r
	}
	var found []eventstore.Record
	for _, name := range names {
		if r, ok := newest[name]; ok {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b eventstore.Record) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func (m model) readVersions(versions []eventstore.VersionOf) []eventstore.Record {
	var found []eventstore.Record
	for _, v := range versions {
		found = append(found, m.filter(1, func(r eventstore.Record) bool { return r.Name == v.Name && r.Version == v.Version })...)
	}
	return found
}

func (m model) filter(limit int, keep func(eventstore.Record) bool) []eventstore.Record {
	var found []eventstore.Record
	for _, r := range m {
		if len(found) < limit && keep(r) {
			found = append(found, r)
		}
	}
	return found
}

// readAll returns all records of a history, page by page.
func readAll(ctx context.Context, s eventstore.Store) ([]eventstore.Record, error) {
	const limit = 1000
	var all []eventstore.Record
	for {
		page, err := s.Read(ctx, eventstore.Seq(len(all)), eventstore.Limit{Records: limit})
		if err != nil || len(page) == 0 {
			return all, err
		}
		if len(page) > limit {
			return nil, fmt.Errorf("a page of %d records, where the limit is %d", len(page), limit)
		}
		all = append(all, page...)
	}
}
