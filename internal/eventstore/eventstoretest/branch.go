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

func branchLaws(rewrite Rewrite) []law {
	return []law{
		{"reads for users are of the branch that they name", readNamedBranch},
		{"reads for users never mix two branches", func(t *testing.T, open func() eventstore.Store) {
			readWhileRewritten(t, open(), open(), rewrite)
		}},
	}
}

// branchRead is one of the reads that name a branch, with what it returns of a history.
type branchRead struct {
	name string
	read func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error)
	want func(m model) []eventstore.Record
}

// branchReads read all of what [forked] writes, in each way.
var branchReads = []branchRead{
	{"ReadBranch", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadBranch(ctx, branch, 2, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.read(2, len(m)) }},
	{"ReadBranch of nothing", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadBranch(ctx, branch, 1000, eventstore.Limit{})
	}, func(model) []eventstore.Record { return nil }},
	{"ReadConfig", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadConfig(ctx, branch, "a", 0, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.readConfig("a", 0, len(m)) }},
	{"ReadConfig of nothing", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadConfig(ctx, branch, "never", 0, eventstore.Limit{})
	}, func(model) []eventstore.Record { return nil }},
	{"ReadConfigBack", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadConfigBack(ctx, branch, "a", 1000, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.readConfigBack("a", 1000, len(m)) }},
	{"ReadInstant", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		r, err := s.ReadInstant(ctx, branch, epoch.Add(time.Hour))
		return found(r), err
	}, func(m model) []eventstore.Record { return found(m.readInstant(epoch.Add(time.Hour))) }},
	{"ReadInstant of nothing", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		r, err := s.ReadInstant(ctx, branch, epoch)
		return found(r), err
	}, func(model) []eventstore.Record { return nil }},
	{"ReadAsOf", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadAsOf(ctx, branch, eventstore.AsOf{At: 1000, Names: []string{"a", "b"}}, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return m.readAsOf(1000, []string{"a", "b"}) }},
	{"ReadAsOf without data", func(ctx context.Context, s eventstore.Store, branch eventstore.Head) ([]eventstore.Record, error) {
		return s.ReadAsOf(ctx, branch, eventstore.AsOf{At: 1000, Names: []string{"a", "b"}, NoData: true}, eventstore.Limit{})
	}, func(m model) []eventstore.Record { return withoutData(m.readAsOf(1000, []string{"a", "b"})) }},
}

// found returns a record that was looked for as a list: empty when there was none.
func found(r eventstore.Record) []eventstore.Record {
	if r.Seq == 0 {
		return nil
	}
	return []eventstore.Record{r}
}

// forked writes a history of six records, and returns it and another one that has the first three
// in common with it.
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

func readNamedBranch(t *testing.T, open func() eventstore.Store) {
	s := open()
	w := newWriter(t, s)
	one, other := forked(w)
	beyond := eventstore.Head{Seq: one.head().Seq + 1, Hash: one.head().Hash}
	for _, read := range branchReads {
		for n := range len(one) + 1 {
			got, err := read.read(t.Context(), s, one[:n].head())
			if err != nil {
				t.Fatalf("%s of the branch of position %d: %v", read.name, n, err)
			}
			mustEqual(t, fmt.Sprintf("%s of the branch of position %d", read.name, n), got, read.want(one))
		}
		for _, branch := range []eventstore.Head{other.head(), other[:4].head(), beyond} {
			got, err := read.read(t.Context(), s, branch)
			if !errors.Is(err, eventstore.ErrDiverged) || len(got) > 0 {
				t.Errorf("%s of another branch, %s: got %d records, %v", read.name, branch.Position(), len(got), err)
			}
		}
	}
}

// readWhileRewritten reads one branch again and again while the history becomes another one and
// back, until each read has met both often enough.
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
	for _, read := range branchReads {
		for whole, refused := 0, 0; (whole < enough || refused < enough) && !t.Failed(); {
			got, err := read.read(ctx, s, one.head())
			want := read.want(one)
			switch {
			case errors.Is(err, eventstore.ErrDiverged):
				refused++
			case err != nil:
				t.Fatalf("%s, after %d reads and %d refusals: %v", read.name, whole, refused, err)
			case len(got)+len(want) > 0 && !reflect.DeepEqual(got, want):
				t.Fatalf("%s gives records of another branch than the one it names", read.name)
			default:
				whole++
			}
		}
	}
}
