package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/slowtest"
)

// TestListsAnswerAsMemoryDoes makes random appends to a file and to a store in memory, and compares
// what random reads of the past find in both, in pages of random sizes.
func TestListsAnswerAsMemoryDoes(t *testing.T) {
	t.Parallel()
	tw := newTwins(t)
	for range slowtest.Rounds(2000, 4000) {
		if tw.IntN(4) == 0 {
			tw.append()
		} else {
			tw.compare(tw.someRead())
		}
	}
	if err := tw.file.VerifyLists(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%d events", tw.head.Seq)
}

// TestDamagedLists changes the lists of a history, one place at a time. VerifyLists finds each
// change. A read finds what it should or fails, unless the table newest lacks a name or names an
// older event of it in full.
func TestDamagedLists(t *testing.T) {
	t.Parallel()
	tw := newTwins(t)
	for tw.head.Seq < 1000 {
		tw.append()
	}
	conn := tw.file.writer.tx.conn
	for range slowtest.Rounds(25, 200) {
		mustExecute(t, conn, "BEGIN IMMEDIATE")
		damage, stale := tw.damage(conn)
		mustExecute(t, conn, "COMMIT")
		err := tw.file.VerifyLists(t.Context())
		if broken := (*eventstore.ChainError)(nil); !errors.As(err, &broken) {
			t.Fatalf("%s: VerifyLists: got %v, want a break", damage, err)
		}
		for range 30 {
			read, name := tw.someRead()
			if got, err := read(tw.file); err == nil && !stale {
				tw.mustFind(damage+": "+name, got, read)
			} else if broken := (*eventstore.ChainError)(nil); err != nil && !errors.As(err, &broken) {
				t.Fatalf("%s: %s: got %v, want a break", damage, name, err)
			}
		}
		tw.mend(conn)
	}
	if err := tw.file.VerifyLists(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestStaleListTakesNoAppend appends the next version of a name of which the newest event is listed
// as an older one.
func TestStaleListTakesNoAppend(t *testing.T) {
	t.Parallel()
	tw := newTwins(t)
	for tw.head.Seq < 500 {
		tw.append()
	}
	for name, version := range tw.versions {
		if version < 2 {
			continue
		}
		mustExecute(t, tw.file.writer.tx.conn, fmt.Sprintf(`UPDATE newest SET (version, position) = (SELECT version, position FROM events
			WHERE config_name = '%s' AND version = %d) WHERE config_name = '%[1]s'`, name, version-1))
		records := []eventstore.Record{{Name: name, Version: version + 1, Type: "ConfigValueSet", SchemaVersion: 1, Data: `{"value":"x"}`}}
		new(eventstore.Chain).Seal(tw.head, eventstore.AppendID{1}, records)
		if err := tw.file.Append(t.Context(), tw.head, records); !errors.Is(err, eventstore.ErrNotWritten) {
			t.Fatalf("version %d of %s: got %v, want %q", version+1, name, err, eventstore.ErrNotWritten)
		}
		return
	}
}

// twins are a history in a file and the same in memory.
type twins struct {
	*testing.T
	*rand.Rand
	file     *Store
	memory   *memory.Store
	head     eventstore.Head
	heads    []eventstore.Head // after each append
	versions map[string]int
}

func newTwins(t *testing.T) *twins {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	tw := &twins{T: t, Rand: rand.New(rand.NewPCG(seed, 3)), memory: memory.New(), versions: make(map[string]int)}
	tw.file = mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	tw.heads = append(tw.heads, eventstore.Head{})
	return tw
}

// name returns one of 400 names. A few of them change often.
func (tw *twins) name() string {
	if tw.IntN(3) == 0 {
		return fmt.Sprintf("hot/%d", tw.IntN(5))
	}
	return fmt.Sprintf("n/%d/%d", tw.IntN(20), tw.IntN(20))
}

// append appends a change set of some names, each once or more. Some of its events are erased, and
// some appends have a version that is not the next one.
func (tw *twins) append() {
	records, next := make([]eventstore.Record, 1+tw.IntN(30)), make(map[string]int)
	for i := range records {
		name := tw.name()
		next[name] = max(next[name], tw.versions[name]) + 1
		records[i] = eventstore.Record{
			Name: name, Version: next[name], SchemaVersion: 1, Data: fmt.Sprintf(`{"value":"%0*d"}`, 1+tw.IntN(200), i),
			RecordedAt: time.UnixMicro(int64(tw.head.Seq) + int64(i) + 1).UTC(),
			Type:       []string{"ConfigValueSet", "ConfigValueDeleted", "ConfigValueRestored"}[tw.IntN(3)],
		}
		if tw.IntN(2) == 0 {
			records[i].Actor = new([]string{"ada", "bob"}[tw.IntN(2)])
		}
	}
	gap := tw.IntN(5) == 0
	if gap {
		records[tw.IntN(len(records))].Version += 1 - 2*tw.IntN(2)
	}
	after := new(eventstore.Chain).Seal(tw.head, eventstore.AppendID{byte(tw.head.Seq)}, records)
	for i := range records {
		if tw.IntN(10) == 0 {
			r := &records[i]
			r.Erased, r.Data, r.SaltWhat = true, "", eventstore.Salt{}
		}
	}
	err := tw.file.Append(tw.Context(), tw.head, slices.Clone(records))
	if gap && !errors.Is(err, eventstore.ErrNotWritten) || !gap && err != nil {
		tw.Fatalf("with a gap: %v: got error %v", gap, err)
	}
	if gap {
		return
	}
	if err := tw.memory.Append(tw.Context(), tw.head, records); err != nil {
		tw.Fatal(err)
	}
	for name, version := range next {
		tw.versions[name] = version
	}
	tw.head = after
	tw.heads = append(tw.heads, after)
}

// read is a read of a store.
type read func(eventstore.Store) (any, error)

func (tw *twins) compare(r read, what string) {
	tw.Helper()
	got, err := r(tw.file)
	if err != nil {
		tw.Fatalf("%s: %v", what, err)
	}
	tw.mustFind(what, got, r)
}

func (tw *twins) mustFind(what string, got any, r read) {
	tw.Helper()
	want, err := r(tw.memory)
	if err != nil {
		tw.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		tw.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// someRead returns a random read, and what it reads.
func (tw *twins) someRead() (read, string) {
	ctx, basis := tw.Context(), tw.heads[tw.IntN(len(tw.heads))]
	limit := eventstore.Limit{Records: 1 + tw.IntN(60), Bytes: 1 + tw.IntN(4000)}
	name, seq := tw.name(), eventstore.Seq(tw.IntN(int(tw.head.Seq)+2))
	version := tw.IntN(tw.versions[name] + 3)
	switch tw.IntN(7) {
	case 0:
		return func(s eventstore.Store) (any, error) {
			return anyOf(s.ReadConfig(ctx, basis, name, version, limit))
		}, fmt.Sprintf("%s after version %d, %+v", name, version, limit)
	case 1:
		return func(s eventstore.Store) (any, error) {
			return anyOf(s.ReadConfigBack(ctx, basis, name, version, limit))
		}, fmt.Sprintf("%s before version %d, %+v", name, version, limit)
	case 2:
		names := tw.names()
		return func(s eventstore.Store) (any, error) {
			return anyOf(s.ReadAsOf(ctx, basis, eventstore.AsOf{Names: names, At: seq, NoData: version%2 == 0}, limit))
		}, fmt.Sprintf("%v as of %d, %+v", names, seq, limit)
	case 3:
		versions := tw.someVersions()
		return func(s eventstore.Store) (any, error) {
			return anyOf(s.ReadVersions(ctx, basis, versions, limit))
		}, fmt.Sprintf("versions %v, %+v", versions, limit)
	case 4:
		q := eventstore.Back{Names: tw.names(), Before: seq + 1, Examine: 1 + tw.IntN(50)}
		return func(s eventstore.Store) (any, error) {
			records, end, err := s.ReadBack(ctx, basis, q, limit)
			return []any{records, end}, err
		}, fmt.Sprintf("back %+v, %+v", q, limit)
	case 5:
		upTo := seq + eventstore.Seq(tw.IntN(100))
		return func(s eventstore.Store) (any, error) {
			names, err := s.ReadNames(ctx, basis, seq, upTo)
			return fmt.Sprint(names), err
		}, fmt.Sprintf("names from %d to %d", seq, upTo)
	default:
		return func(s eventstore.Store) (any, error) { return newestAt(ctx, s, basis) }, fmt.Sprintf("newest at %d", basis.Seq)
	}
}

// anyOf makes no difference between no records and an empty page.
func anyOf(records []eventstore.Record, err error) (any, error) {
	return slices.Clip(append([]eventstore.Record{}, records...)), err
}

// newestAt returns the newest records at a basis, by name. As a start does, it finds that they are
// not one for each name, or that their versions do not add up.
func newestAt(ctx context.Context, s eventstore.Store, basis eventstore.Head) (any, error) {
	all, names, total := make(map[int]eventstore.Newest), make(map[string]bool), 0
	err := s.EachNewest(ctx, basis, func(page []eventstore.Newest) error {
		for i := range page {
			all[page[i].Order], names[page[i].Name] = page[i], true
			total += page[i].Version
		}
		return nil
	})
	if err == nil && (total != int(basis.Seq) || len(names) != len(all)) {
		err = notInList(basis.Seq)
	}
	return all, err
}

func (tw *twins) names() []string {
	names := make([]string, 1+tw.IntN(12))
	for i := range names {
		names[i] = tw.name()
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// someVersions returns versions of some names, with places of the next ones that may be wrong.
func (tw *twins) someVersions() []eventstore.VersionOf {
	versions, known := []eventstore.VersionOf{}, make(map[eventstore.VersionOf]bool)
	for _, name := range tw.names() {
		v := eventstore.VersionOf{Name: name, Version: tw.IntN(tw.versions[name] + 2)}
		if known[v] {
			continue
		}
		known[v] = true
		switch tw.IntN(3) {
		case 0:
			v.Next = eventstore.Seq(tw.IntN(int(tw.head.Seq) + 2))
		case 1:
			if next, err := tw.memory.ReadVersions(tw.Context(), eventstore.Head{}, []eventstore.VersionOf{{Name: name, Version: v.Version + 1}}, eventstore.Limit{}); err == nil && len(next) > 0 {
				v.Next = next[0].Seq
			}
		}
		versions = append(versions, v)
	}
	return versions
}
