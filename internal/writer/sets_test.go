package writer_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
	"configapi/internal/writer"
)

// applied is a set that a goroutine applies.
type applied struct {
	done    chan struct{}
	outcome configstore.SetOutcome
	err     error
}

// apply has a goroutine apply a set. It must be called in a bubble, and returns when the set is
// queued or answered.
func apply(t *testing.T, store *configstoretest.Store, set config.ChangeSet) *applied {
	a := &applied{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.outcome, a.err = store.Apply(t.Context(), auth.Anonymous, set)
	}()
	synctest.Wait()
	return a
}

// setOf returns a set that gives names the value v.
func setOf(t *testing.T, names ...string) config.ChangeSet {
	var set config.ChangeSet
	for _, name := range names {
		set.Changes = append(set.Changes, config.Change{Command: configstoretest.Set(t, name, "v")})
	}
	return set
}

// setSizes returns the sizes of the change sets that records are, and fails unless they are whole.
func setSizes(t *testing.T, records []eventstore.Record) (of []int) {
	t.Helper()
	n := 0
	for i := range records {
		n++
		if end := int(records[i].ChangeSet - records[i].Seq); end != 0 {
			if i+end >= len(records) || records[i+end].ChangeSet != records[i].ChangeSet {
				t.Fatalf("the set of seq %d ends at %d, elsewhere", records[i].Seq, records[i].ChangeSet)
			}
			continue
		}
		of = append(of, n)
		n = 0
	}
	if n > 0 {
		t.Fatalf("%d records end inside a set", n)
	}
	return of
}

// TestSetsShareAnAppend queues sets of several sizes and one that is rejected: each stays a set of
// its own, and of the rejected one nothing remains, also not for the sets behind it.
func TestSetsShareAnAppend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := heldAppends{memory.New(), make(chan struct{})}
		store := configstoretest.On(t, events, configstore.Options{})
		first := apply(t, store, setOf(t, "first"))
		rejected := setOf(t, "new")
		rejected.Changes = append(rejected.Changes, config.Change{Command: config.Delete{Name: configstoretest.Name(t, "none")}})
		fresh := config.Single(configstoretest.SetAt(t, "new", "v", 0))
		on := config.Single(configstoretest.SetAt(t, "new", "v", 1))
		queued := []*applied{apply(t, store, setOf(t, "a", "b", "c")), apply(t, store, rejected), apply(t, store, fresh),
			apply(t, store, on), apply(t, store, setOf(t, "b", "d"))}
		close(events.release)
		<-first.done
		for _, a := range queued {
			<-a.done
		}
		records, err := events.Read(t.Context(), 0, eventstore.Limit{})
		if err != nil {
			t.Fatal(err)
		}
		if got := setSizes(t, records); !reflect.DeepEqual(got, []int{1, 3, 1, 1, 2}) || records[1].AppendID != records[7].AppendID {
			t.Errorf("got sets of %v in appends %v and %v", got, records[1].AppendID, records[7].AppendID)
		}
		var rejection *fault.Rejection
		if !errors.As(queued[1].err, &rejection) || len(rejection.Failures) != 1 || rejection.Failures[0].Change != 1 {
			t.Errorf("got %v, want that the second change is refused", queued[1].err)
		}
		for i, a := range queued {
			if i != 1 && (a.err != nil || a.outcome.Position.Seq != a.outcome.Revisions[len(a.outcome.Revisions)-1].Seq) {
				t.Errorf("set %d: got %+v, %v", i, a.outcome, a.err)
			}
		}
	})
}

// TestSinglesThatShareAnAppendStayApart queues 500 single writes: one append, 500 sets.
func TestSinglesThatShareAnAppendStayApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := heldAppends{memory.New(), make(chan struct{})}
		store := configstoretest.On(t, events, configstore.Options{})
		var calls []*configstoretest.Call
		for i := range 501 {
			calls = append(calls, configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, fmt.Sprint("n", i), "v"))))
		}
		close(events.release)
		for _, c := range calls {
			if err := c.Wait(); err != nil || c.Outcome.Config.ChangeSet() != c.Outcome.Position {
				t.Errorf("got %+v, %v", c.Outcome, err)
			}
		}
		records, err := events.Read(t.Context(), 1, eventstore.Limit{})
		if err != nil || len(records) != 500 || len(setSizes(t, records)) != 500 || records[0].AppendID != records[499].AppendID {
			t.Errorf("got %d records in %d sets, %v, want 500 of one append", len(records), len(setSizes(t, records)), err)
		}
	})
}

// TestBatchesHoldWholeSets queues more than one append holds, by bytes and by events. Each append
// takes whole sets, one at least, however large it is.
func TestBatchesHoldWholeSets(t *testing.T) {
	many := func(t *testing.T, prefix string, n int, value string) (set config.ChangeSet) {
		for i := range n {
			set.Changes = append(set.Changes, config.Change{Command: configstoretest.Set(t, fmt.Sprint(prefix, i), value)})
		}
		return set
	}
	for what, test := range map[string]struct {
		opts  writer.Options
		n     int
		value string
		want  string
	}{
		"events":   {writer.Options{}, 600, "v", "[[1] [600 600] [600 600]]"},
		"bytes":    {writer.Options{BatchBytes: 5000}, 10, strings.Repeat("v", 300), "[[1] [10 10] [10 10]]"},
		"one set":  {writer.Options{BatchBytes: 1}, 20, "v", "[[1] [20] [20] [20] [20]]"},
		"commands": {writer.Options{BatchCommands: 3}, 2, "v", "[[1] [2 2 2] [2]]"},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				held := heldAppends{events.Store, make(chan struct{})}
				store := configstoretest.On(t, held, configstore.Options{Writer: test.opts})
				queued := []*applied{apply(t, store, setOf(t, "first"))}
				for i := range 4 {
					queued = append(queued, apply(t, store, many(t, fmt.Sprint("set", i, "/"), test.n, test.value)))
				}
				close(held.release)
				for _, a := range queued {
					if <-a.done; a.err != nil {
						t.Error(a.err)
					}
				}
				records, err := events.Read(t.Context(), 0, eventstore.Limit{})
				if err != nil {
					t.Fatal(err)
				}
				var got [][]int
				for len(records) > 0 {
					n := 1
					for n < len(records) && records[n].AppendID == records[0].AppendID {
						n++
					}
					got = append(got, setSizes(t, records[:n]))
					records = records[n:]
				}
				if fmt.Sprint(got) != test.want {
					t.Errorf("the appends hold sets of %v, want %s", got, test.want)
				}
			})
		})
	}
}

// TestBoundsOfASet has sets just within the bounds and just beyond.
func TestBoundsOfASet(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{MaxValueBytes: 4 << 20})
	value := func(n int) config.Value {
		v, err := config.ParseValue(strings.Repeat("y", n), 4<<20)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	set := func(name string, n int) config.Set {
		return config.Set{Name: configstoretest.Name(t, name), Value: value(n)}
	}
	remove := func(name string) config.Delete { return config.Delete{Name: configstoretest.Name(t, name)} }
	restore := func(name string) config.Restore { return config.Restore{Name: configstoretest.Name(t, name)} }
	count := func(n int) config.ChangeSet {
		var names []string
		for i := range n {
			names = append(names, fmt.Sprint("n", i))
		}
		return setOf(t, names...)
	}
	reason, err := config.ParseReason("why")
	if err != nil {
		t.Fatal(err)
	}
	because := config.ChangeSet{Reason: reason}
	for _, test := range []struct {
		what  string
		set   config.ChangeSet
		fails int // how many bounds it breaks
	}{
		{"none", config.ChangeSet{}, 1},
		{"1000 changes", count(1000), 0},
		{"1001 changes", count(1001), 1},
		{"4 MiB of new values", because.Of(set("a", 2<<20), set("b", 2<<20-len("a")-len("b")-len("why"))), 0},
		{"a byte more", because.Of(set("a", 2<<20), set("b", 2<<20-len("a")-len("b")-len("why")+1)), 1},
		{"one value of 4 MiB", config.Single(set("c", 4<<20)), 0},
		{"its replacement", config.Single(set("c", 4<<20)), 0},
		{"4 MiB replaced, and more", because.Of(set("c", 1), remove("n0")), 1},
		{"both", because.Of(set("c", 4<<20), remove("n0")), 2},
		{"4 MiB deleted", config.Single(remove("c")), 0},
		{"4 MiB restored, and more", because.Of(restore("c"), set("d", 1)), 1},
		{"4 MiB restored", config.Single(restore("c")), 0},
		{"4 MiB replaced", because.Of(config.Set{Name: configstoretest.Name(t, "a"), Value: configstoretest.Value(t, "")},
			set("b", 0)), 0},
	} {
		before := store.Reader(auth.Anonymous).Head()
		for _, test.set.DryRun = range []bool{true, false} {
			_, err := store.Apply(t.Context(), auth.Anonymous, test.set)
			var rejection *fault.Rejection
			if errors.As(err, &rejection) {
				for _, f := range rejection.Failures {
					if f.Change != -1 || f.Field != "changes" || fault.KindOf(f.Err) != fault.TooLarge && len(test.set.Changes) > 0 {
						t.Errorf("%s: got failure %+v", test.what, f)
					}
				}
			}
			if (err != nil) != (test.fails > 0) || rejection != nil && len(rejection.Failures) != test.fails {
				t.Errorf("%s, dry run %t: got %v, want %d failures", test.what, test.set.DryRun, err, test.fails)
			}
		}
		if changed := !before.Same(store.Reader(auth.Anonymous).Head()); changed != (test.fails == 0) {
			t.Errorf("%s: something was written: %t", test.what, changed)
		}
	}
}

// TestSetOfRestores brings back more values in one set than one batch reads otherwise. They were
// deleted far apart from one another, and are larger together than a batch.
func TestSetOfRestores(t *testing.T) {
	const n = 40
	store := configstoretest.New(t, configstore.Options{Writer: writer.Options{BatchBytes: 1000}})
	var set config.ChangeSet
	for i := range n {
		name := fmt.Sprint("n", i)
		store.MustSet(t, name, strings.Repeat("v", 100)+name)
		store.MustDelete(t, name)
		for j := range 10 {
			store.MustSet(t, "other", fmt.Sprint(j))
		}
		set.Changes = append(set.Changes, config.Change{Command: config.Restore{Name: configstoretest.Name(t, name)}})
	}
	set.DryRun = true
	for _, set.DryRun = range []bool{true, false} {
		got, err := store.Apply(t.Context(), auth.Anonymous, set)
		if err != nil || len(got.Revisions) != n {
			t.Fatalf("dry run %t: got %d revisions, %v", set.DryRun, len(got.Revisions), err)
		}
		for i, r := range got.Revisions {
			if want := strings.Repeat("v", 100) + fmt.Sprint("n", i); r.Value.String() != want || r.Operation() != config.Restored {
				t.Errorf("dry run %t: got %s %q, want %q", set.DryRun, r.Operation(), r.Value, want)
			}
		}
	}
}

// TestSetOfTooManyRestores is refused before all of its values are read. A restore behind it, of
// one of those that were not read, gets its value all the same.
func TestSetOfTooManyRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 12
		base := configstoretest.New(t, configstore.Options{})
		var set config.ChangeSet
		for i := range n {
			name := fmt.Sprint("n", i)
			base.MustSet(t, name, strings.Repeat("v", 1<<20-2)+fmt.Sprintf("%02d", i))
			base.MustDelete(t, name)
			set.Changes = append(set.Changes, config.Change{Command: config.Restore{Name: configstoretest.Name(t, name)}})
		}
		events := heldAppends{base.Events.(*memory.Store), make(chan struct{})}
		store := configstoretest.On(t, events, configstore.Options{})
		first := apply(t, store, setOf(t, "first"))
		tooMany := apply(t, store, set)
		one := apply(t, store, config.Single(set.Changes[n-1].Command))
		var rejection *fault.Rejection
		set.DryRun = true // which no write holds up
		if _, err := store.Apply(t.Context(), auth.Anonymous, set); !errors.As(err, &rejection) || len(rejection.Failures) != 1 {
			t.Errorf("dry run: got %v", err)
		}
		close(events.release)
		<-first.done
		<-tooMany.done
		<-one.done
		if !errors.As(tooMany.err, &rejection) || len(rejection.Failures) != 1 || fault.KindOf(rejection.Failures[0].Err) != fault.TooLarge {
			t.Errorf("got %v, want that the set is too large", tooMany.err)
		}
		if one.err != nil || !strings.HasSuffix(one.outcome.Revisions[0].Value.String(), "v11") {
			t.Errorf("got %d revisions, %v, want the last value", len(one.outcome.Revisions), one.err)
		}
	})
}

// TestQueuedSetsOfRestores queues sets that restore many small values: each value is read once,
// with the batch that restores it, however many sets wait behind.
func TestQueuedSetsOfRestores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const sets, n = 6, 600
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		var restores []config.ChangeSet
		for i := range sets {
			var commands, removals, restored []config.Command
			for j := range n {
				name := fmt.Sprint("set", i, "/", j)
				commands = append(commands, configstoretest.Set(t, name, "v"))
				removals, restored = append(removals, remove(t, name)), append(restored, restore(t, name))
			}
			for _, commands := range [][]config.Command{commands, removals} {
				if _, err := store.Apply(t.Context(), auth.Anonymous, config.ChangeSet{}.Of(commands...)); err != nil {
					t.Fatal(err)
				}
			}
			restores = append(restores, config.ChangeSet{}.Of(restored...))
		}
		read, release := 0, make(chan struct{})
		events.SetHooks(configstoretest.Hooks{
			Append: func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
				<-release
				return events.Store.Append(ctx, expected, records)
			},
			LookUp: func(ctx context.Context, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
				read += len(versions) / 2 // a deletion and the version before
				return events.Store.LookUp(ctx, versions, limit)
			},
			Wait: configstoretest.Silent().Wait,
		})
		queued := []*applied{apply(t, store, setOf(t, "first"))}
		for _, set := range restores {
			queued = append(queued, apply(t, store, set))
		}
		close(release)
		for _, a := range queued {
			if <-a.done; a.err != nil {
				t.Error(a.err)
			}
		}
		if read != sets*n {
			t.Errorf("%d values were read to restore %d", read, sets*n)
		}
	})
}

// TestErasedValuesAreNotRestored has the last values of two configs erased. They can be restored
// with another value.
func TestErasedValuesAreNotRestored(t *testing.T) {
	whole := configstoretest.New(t, configstore.Options{})
	for _, name := range []string{"a", "b", "c"} {
		whole.MustSet(t, name, "secret")
		whole.MustDelete(t, name)
	}
	configstoretest.MustAppendErasure(t, whole.Events, "$erasure/1", 1, 1, 3)
	events := memory.New()
	configstoretest.MustCopy(t, whole.Events, events, 1, 3)
	store := configstoretest.On(t, events, configstore.Options{Codec: configstoretest.Codec()})
	restore := func(name string) config.Restore { return config.Restore{Name: configstoretest.Name(t, name)} }
	other := restore("b")
	other.Value = new(configstoretest.Value(t, "new"))
	set := config.ChangeSet{}.Of(restore("a"), restore("b"), restore("c"))
	for _, set.DryRun = range []bool{true, false} {
		_, err := store.Apply(t.Context(), auth.Anonymous, set)
		var rejection *fault.Rejection
		if !errors.As(err, &rejection) || len(rejection.Failures) != 2 || !errors.Is(rejection.Failures[1].Err, fault.ErrErased) || rejection.Failures[1].Change != 1 {
			t.Errorf("dry run %t: got %v, want that the values of a and b are erased", set.DryRun, err)
		}
	}
	if got, err := store.Apply(t.Context(), auth.Anonymous, config.ChangeSet{}.Of(other, restore("c"))); err != nil || len(got.Revisions) != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}
