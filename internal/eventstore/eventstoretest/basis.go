package eventstoretest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/slowtest"
)

func basisLaws(rewrite Rewrite) []law {
	return []law{
		{"reads of users return the history of their basis", readOnBasis},
		{"reads of users never mix two histories", func(t *testing.T, open func() eventstore.Store) {
			readWhileRewritten(t, open(), open(), rewrite)
		}},
	}
}

// basisRead is a read on a basis, with the records that it must return.
type basisRead struct {
	name string
	read func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error)
	want func(m model) []eventstore.Record
}

// basisReads are all reads on a basis. They cover everything that [forked] writes.
var basisReads = []basisRead{
	{"ReadHistory", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadHistory(ctx, basis, 2, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.read(2, len(m)) }},
	{"ReadHistory of nothing", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadHistory(ctx, basis, 1000, eventstore.Limit{})
	}, func(model) []eventstore.Record { return nil }},
	{"ReadConfig", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadConfig(ctx, basis, "a", 0, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.readConfig("a", 0, len(m)) }},
	{"ReadConfig of nothing", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadConfig(ctx, basis, "never", 0, eventstore.Limit{})
	}, func(model) []eventstore.Record { return nil }},
	{"ReadConfigBack", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadConfigBack(ctx, basis, "a", 1000, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.readConfigBack("a", 1000, len(m)) }},
	{"ReadBack", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		records, _, err := s.ReadBack(ctx, basis, eventstore.Back{Before: 1000}, eventstore.Limit{})
		return records, err
	}, func(m model) []eventstore.Record { return m.readBack(eventstore.Back{Before: 1000}) }},
	{"ReadBack of names", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		records, _, err := s.ReadBack(ctx, basis, eventstore.Back{Before: 1000, Names: []string{"b"}}, eventstore.Limit{})
		return records, err
	}, func(m model) []eventstore.Record { return m.readConfigBack("b", 1000, len(m)) }},
	{"ReadBack of an actor", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		records, _, err := s.ReadBack(ctx, basis, eventstore.Back{Before: 1000, Actor: new(string)}, eventstore.Limit{})
		return records, err
	}, func(model) []eventstore.Record { return nil }},
	{"ReadHeads", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) (found []eventstore.Record, err error) {
		heads, err := s.ReadHeads(ctx, basis, []eventstore.Seq{5, 1000})
		for _, h := range heads {
			found = append(found, eventstore.Record{Seq: h.Seq, Hash: h.Hash})
		}
		return found, err
	}, func(m model) []eventstore.Record { return []eventstore.Record{{Seq: 5, Hash: m[4].Hash}} }},
	{"ReadNames", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) (found []eventstore.Record, err error) {
		names, err := s.ReadNames(ctx, basis, 3, 1000)
		for _, name := range names {
			found = append(found, eventstore.Record{Name: name})
		}
		return found, err
	}, func(m model) (found []eventstore.Record) {
		for _, name := range m.readNames(3, 1000) {
			found = append(found, eventstore.Record{Name: name})
		}
		return found
	}},
	{"ReadInstant", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		r, err := s.ReadInstant(ctx, basis, epoch.Add(time.Hour))
		return found(r), err
	}, func(m model) []eventstore.Record { return found(m.readInstant(epoch.Add(time.Hour))) }},
	{"ReadInstant of nothing", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		r, err := s.ReadInstant(ctx, basis, epoch)
		return found(r), err
	}, func(model) []eventstore.Record { return nil }},
	{"ReadAsOf", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadAsOf(ctx, basis, eventstore.AsOf{At: 1000, Names: []string{"a", "b"}}, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.readAsOf(1000, []string{"a", "b"}) }},
	{"ReadAsOf without data", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadAsOf(ctx, basis, eventstore.AsOf{At: 1000, Names: []string{"a", "b"}, NoData: true}, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return withoutData(m.readAsOf(1000, []string{"a", "b"})) }},
	{"ReadVersions", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadVersions(ctx, basis, []eventstore.VersionOf{{Name: "b", Version: 3}, {Name: "a", Version: 2}}, eventstore.Limit{})
	}, func(m model) []eventstore.Record {
		return m.readVersions([]eventstore.VersionOf{{Name: "b", Version: 3}, {Name: "a", Version: 2}})
	}},
	{"ReadVersions of nothing", func(ctx context.Context, s eventstore.Store, basis eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadVersions(ctx, basis, []eventstore.VersionOf{{Name: "a", Version: 99}}, eventstore.Limit{})
	}, func(model) []eventstore.Record { return nil }},
}

// found returns the result of ReadInstant as a list, which is empty for the zero Record.
func found(r eventstore.Record) []eventstore.Record {
	if r.Seq == 0 {
		return nil
	}
	return []eventstore.Record{r}
}

// forked writes a history of six records. It returns that history and another one, of which the
// first three records are the same.
func forked(w *writer) (one, other model) {
	w.t.Helper()
	w.write("a", "b", "a")
	w.write("b", "a")
	w.write("b")
	one = w.written
	other = slices.Clone(one)
	for i := 3; i < len(other); i++ {
		other[i].Data, other[i].AppendID = "{}", appendID(99)
	}
	return one, rechained(other)
}

func readOnBasis(t *testing.T, open func() eventstore.Store) {
	s := open()
	w := newWriter(t, s)
	one, other := forked(w)
	beyond := eventstore.Head{Seq: one.head().Seq + 1, Hash: one.head().Hash}
	for _, read := range basisReads {
		for n := range len(one) + 1 {
			got, err := read.read(t.Context(), s, one[:n].head())
			if err != nil {
				t.Fatalf("%s of the basis of seq %d: %v", read.name, n, err)
			}
			mustEqual(t, fmt.Sprintf("%s of the basis of seq %d", read.name, n), got, read.want(one))
		}
		for _, basis := range []eventstore.Head{other.head(), other[:4].head(), beyond} {
			got, err := read.read(t.Context(), s, basis)
			if !errors.Is(err, eventstore.ErrDiverged) || len(got) > 0 {
				t.Errorf("%s of another basis, %s: got %d records, %v", read.name, basis.Position(), len(got), err)
			}
		}
	}
}

// readWhileRewritten reads on one basis again and again while the history is replaced by another
// one and back, until each read has seen both often enough.
func readWhileRewritten(t *testing.T, s, behind eventstore.Store, rewrite Rewrite) {
	w := newWriter(t, s)
	one, other := forked(w)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	flipped := make(chan struct{})
	defer func() { <-flipped }()
	reading, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		defer close(flipped)
		for reading.Err() == nil && !t.Failed() {
			rewrite(t, behind, other.head(), other)
			rewrite(t, behind, one.head(), one)
		}
	}()
	enough := slowtest.Rounds(5, 20)
	for _, read := range basisReads {
		for whole, refused := 0, 0; (whole < enough || refused < enough) && !t.Failed(); {
			got, err := read.read(ctx, s, one.head())
			want := read.want(one)
			switch {
			case errors.Is(err, eventstore.ErrDiverged):
				refused++
			case err != nil:
				t.Fatalf("%s, after %d reads and %d refusals: %v", read.name, whole, refused, err)
			case len(got)+len(want) > 0 && !reflect.DeepEqual(got, want):
				t.Fatalf("%s gives records of another basis than the one it names", read.name)
			default:
				whole++
			}
		}
	}
}
