package configstore_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
	"configapi/internal/slowtest"
)

func setOf(commands ...config.Command) config.ChangeSet { return config.ChangeSet{}.Of(commands...) }

// TestApply carries out a set with each kind of change and one that has nothing to do.
func TestApply(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "updated", "1")
	store.MustSet(t, "deleted", "2")
	store.MustSet(t, "restored", "3")
	store.MustDelete(t, "restored")
	store.MustSet(t, "same", "4")
	same := configstoretest.Set(t, "same", "4")
	same.OnlyIfChanged = true
	set := setOf(configstoretest.Set(t, "created", "5"), configstoretest.Set(t, "updated", "6"), same,
		config.Delete{Name: configstoretest.Name(t, "deleted")}, config.Restore{Name: configstoretest.Name(t, "restored")})

	set.DryRun = true
	before := store.Reader(auth.Anonymous).Head()
	dry, err := store.Apply(t.Context(), auth.Anonymous, set)
	if err != nil || !dry.DryRun || dry.Position != before.Position() {
		t.Fatalf("dry run: got %+v, %v", dry, err)
	}
	set.DryRun = false
	got, err := store.Apply(t.Context(), auth.Anonymous, set)
	if err != nil || got.DryRun {
		t.Fatalf("got %+v, %v", got, err)
	}
	mustSayTheSame(t, got, dry)
	history := configstoretest.MustRead(t, store.Events)
	if !reflect.DeepEqual(got.Revisions, history[before.Seq:]) {
		t.Errorf("got %+v, want %+v", got.Revisions, history[before.Seq:])
	}
	for _, r := range got.Revisions {
		if r.ChangeSet != got.Position {
			t.Errorf("%s has change set %v, want %v", r.Name, r.ChangeSet, got.Position)
		}
	}
	if want := "created CREATED 5, updated UPDATED 6, deleted DELETED , restored RESTORED 3"; describe(got) != want {
		t.Errorf("got %q, want %q", describe(got), want)
	}
	if fmt.Sprint(got.Unchanged) != "[same]" || store.Reader(auth.Anonymous).Head().Position() != got.Position {
		t.Errorf("got unchanged %v, position %v", got.Unchanged, got.Position)
	}
}

// describe returns the revisions of an outcome as text.
func describe(outcome configstore.SetOutcome) string {
	var texts []string
	for _, r := range outcome.Revisions {
		texts = append(texts, fmt.Sprint(r.Name, " ", r.Operation(), " ", r.Value))
	}
	return strings.Join(texts, ", ")
}

// mustSayTheSame fails unless a set came to what a dry run had said.
func mustSayTheSame(t testing.TB, applied, dry configstore.SetOutcome) {
	t.Helper()
	if len(applied.Revisions) != len(dry.Revisions) || !reflect.DeepEqual(applied.Unchanged, dry.Unchanged) {
		t.Fatalf("applied %+v, but the dry run said %+v", applied, dry)
	}
	for i, r := range dry.Revisions {
		want := *applied.Revisions[i]
		want.Seq, want.Hash, want.ChangeSet, want.At = dry.Position.Seq, r.Hash, dry.Position, r.At
		if !reflect.DeepEqual(*r, want) || r.Position() != dry.Position {
			t.Errorf("applied %+v, but the dry run said %+v", want, *r)
		}
	}
}

// mustReject fails unless a set is rejected with these failures, each written as the change and the
// field, and nothing is written.
func mustReject(t testing.TB, store *configstoretest.Store, set config.ChangeSet, want ...string) *fault.Rejection {
	t.Helper()
	before := len(configstoretest.MustRead(t, store.Events))
	var rejection *fault.Rejection
	for _, set.DryRun = range []bool{true, false} {
		outcome, err := store.Apply(t.Context(), auth.Anonymous, set)
		if !errors.As(err, &rejection) {
			t.Fatalf("dry run %t: got %+v, %v, want a rejection", set.DryRun, outcome, err)
		}
		var got []string
		for _, f := range rejection.Failures {
			got = append(got, fmt.Sprintf("%d %s: %s", f.Change, f.Field, kindName(f.Err)))
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("dry run %t: got %q, want %q", set.DryRun, got, want)
		}
		if head := store.Reader(auth.Anonymous).Head(); rejection.Position != head.Position() {
			t.Errorf("dry run %t: decided at %v, the head is %v", set.DryRun, rejection.Position, head.Position())
		}
	}
	if after := len(configstoretest.MustRead(t, store.Events)); after != before {
		t.Errorf("%d events were written", after-before)
	}
	return rejection
}

func kindName(err error) string {
	if errors.Is(err, fault.ErrStale) {
		return "STALE"
	}
	return fault.KindOf(err).Code()
}

// TestRejectionHasEveryFailure has a set in which all but one change fail, each for another reason.
func TestRejectionHasEveryFailure(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "gone", "1")
	store.MustDelete(t, "gone")
	seen := store.MustSet(t, "a", "1").Position
	store.MustSet(t, "b", "1")
	at := func(name string, version config.Version) config.Set {
		return configstoretest.SetAt(t, name, "2", version)
	}
	moved := configstoretest.Set(t, "b", "2")
	moved.Conditions = []config.Condition{config.RequireRevision(1, config.HashPrefix{})}
	set := setOf(at("a", 1), config.Delete{Name: configstoretest.Name(t, "none")}, configstoretest.Set(t, "gone", "2"),
		config.Restore{Name: configstoretest.Name(t, "c")}, at("d", 4), moved, configstoretest.Set(t, "a", "3"))
	set.Changes = append(set.Changes, config.Change{Invalid: []*config.InvalidError{{Field: "name", Rule: "is empty"}, {Field: "value", Rule: "is missing"}}})
	set.Invalid = []*config.InvalidError{{Field: "reason", Rule: "is not valid UTF-8"}}
	set.AsSeenAt = idOf(seen)
	rejection := mustReject(t, store, set, "1 name: NOT_FOUND", "2 name: DELETED", "3 name: NOT_FOUND", "4 expectedVersion: VERSION_CONFLICT",
		"5 name: STALE", "5 expectedRevision: VERSION_CONFLICT", "6 name: INVALID_INPUT", "7 name: INVALID_INPUT", "7 value: INVALID_INPUT",
		"-1 reason: INVALID_INPUT")
	var refusal *fault.Refusal
	if !errors.As(rejection.Failures[1].Err, &refusal) || refusal.Current == nil || refusal.Current.Name.String() != "gone" {
		t.Errorf("the refusal of a deleted config has %+v as its current state", refusal)
	}
}

func idOf(p eventstore.Position) *config.RevisionID {
	return &config.RevisionID{Seq: int64(p.Seq), Hash: p.Prefix}
}

// TestAsSeenAt hands in positions of all kinds.
func TestAsSeenAt(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	first := store.MustSet(t, "a", "1").Position
	inside, err := store.Apply(t.Context(), auth.Anonymous, setOf(configstoretest.Set(t, "b", "1"), configstoretest.Set(t, "c", "1")))
	if err != nil {
		t.Fatal(err)
	}
	last := store.MustSet(t, "d", "1").Position
	set := setOf(configstoretest.Set(t, "a", "2"), configstoretest.Set(t, "c", "2"), configstoretest.Set(t, "d", "2"), configstoretest.Set(t, "new", "2"))
	for _, test := range []struct {
		seen eventstore.Position
		want []string
	}{
		{eventstore.Position{}, []string{"0 name: STALE", "1 name: STALE", "2 name: STALE"}},
		{first, []string{"1 name: STALE", "2 name: STALE"}},
		{inside.Revisions[0].Position(), []string{"2 name: STALE"}}, // the end of its set
		{inside.Position, []string{"2 name: STALE"}},
		{eventstore.Position{Seq: 2}, []string{"-1 asSeenAt: POSITION_UNKNOWN"}},
		{eventstore.Position{Seq: 99}, []string{"-1 asSeenAt: POSITION_UNKNOWN"}},
		{eventstore.Position{Seq: -1}, []string{"-1 asSeenAt: POSITION_UNKNOWN"}},
	} {
		set.AsSeenAt = idOf(test.seen)
		mustReject(t, store, set, test.want...)
	}
	set.AsSeenAt = idOf(last)
	if got, err := store.Apply(t.Context(), auth.Anonymous, set); err != nil || len(got.Revisions) != 4 {
		t.Errorf("nothing has changed since, but got %+v, %v", got, err)
	}
}

// TestReceiptsOfSets repeats sets, with something to do and without.
func TestReceiptsOfSets(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "same", "1")
	same := configstoretest.Set(t, "same", "1")
	same.OnlyIfChanged = true
	skipping := setOf()
	skipping.Asked, skipping.Skipped = []byte("undo"), []config.Name{configstoretest.Name(t, "skipped")}
	for i, set := range []config.ChangeSet{
		setOf(configstoretest.Set(t, "a", "1"), same, configstoretest.Set(t, "b", "2"), config.Delete{Name: same.Name}),
		setOf(same), skipping,
	} {
		if i == 0 {
			set = setOf(configstoretest.Set(t, "a", "1"), same, configstoretest.Set(t, "b", "2"))
		}
		set.IdempotencyKey = configstoretest.Key(t, fmt.Sprint(i))
		if got, found, err := store.Recall(t.Context(), auth.Anonymous, set); found || err != nil {
			t.Errorf("set %d: recalled %+v, %v before it was applied", i, got, err)
		}
		first, err := store.Apply(t.Context(), auth.Anonymous, set)
		if err != nil || len(first.Unchanged) != 1 {
			t.Fatalf("set %d: got %+v, %v", i, first, err)
		}
		store.MustSet(t, "a", fmt.Sprint("later", i))
		history := len(configstoretest.MustRead(t, store.Events))
		again, err := store.Apply(t.Context(), auth.Anonymous, set)
		if err != nil || !reflect.DeepEqual(again, first) {
			t.Errorf("set %d again: got %+v, %v, want %+v", i, again, err, first)
		}
		recalled, found, err := store.Recall(t.Context(), auth.Anonymous, set)
		if err != nil || !found || !reflect.DeepEqual(recalled, first) {
			t.Errorf("set %d: recalled %+v, %t, %v, want %+v", i, recalled, found, err, first)
		}
		if after := len(configstoretest.MustRead(t, store.Events)); after != history {
			t.Errorf("set %d again: %d events were written", i, after-history)
		}
		other := setOf(configstoretest.Set(t, "a", "other"), config.Delete{Name: configstoretest.Name(t, "none")})
		other.IdempotencyKey = set.IdempotencyKey
		_, err = store.Apply(t.Context(), auth.Anonymous, other)
		var rejection *fault.Rejection
		if !errors.As(err, &rejection) || len(rejection.Failures) != 2 || !errors.Is(rejection.Failures[1].Err, fault.ErrIdempotencyMismatch) ||
			rejection.Failures[1].Field != "idempotencyKey" {
			t.Errorf("another set with key %d: got %v", i, err)
		}
		if _, _, err := store.Recall(t.Context(), auth.Anonymous, other); !errors.As(err, &rejection) || len(rejection.Failures) != 1 {
			t.Errorf("recalling another set with key %d: got %v", i, err)
		}
	}
}

// TestDryRunSaysWhatApplyDoes applies very many random sets, each first as a dry run.
func TestDryRunSaysWhatApplyDoes(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	store := configstoretest.New(t, configstore.Options{})
	dice := rand.New(rand.NewPCG(seed, 0))
	m := &configstoretest.Sets{Draw: dice.IntN, Names: names}
	for i := range slowtest.Rounds(3_000, 100_000) {
		if err := m.Step(t.Context(), store.Store); err != nil {
			t.Fatalf("seed %d, set %d: %v", seed, i, err)
		}
	}
}

// TestSetsSayWhatTheyRevert reads what a set undoes from its outcome, its receipt, the state and
// the history.
func TestSetsSayWhatTheyRevert(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	undone := store.MustSet(t, "a", "1").Position
	set := setOf(configstoretest.Set(t, "a", "2"), configstoretest.Set(t, "b", "2"))
	set.Reverts, set.IdempotencyKey = idOf(undone), configstoretest.Key(t, "k")
	dry := set
	dry.DryRun = true
	var found []*eventstore.Position
	for _, set := range []config.ChangeSet{dry, set, set} { // the last one is recalled
		got, err := store.Apply(t.Context(), auth.Anonymous, set)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range got.Revisions {
			found = append(found, r.Reverts)
		}
	}
	for _, r := range configstoretest.MustRead(t, store.Events)[1:] {
		found = append(found, r.Reverts)
	}
	found = append(found, store.Reader(auth.Anonymous).Config(configstoretest.Name(t, "b")).Reverts())
	for i, reverts := range found {
		if reverts == nil || *reverts != undone {
			t.Errorf("revision %d of %d reverts %v, want %v", i, len(found), reverts, undone)
		}
	}
	if len(found) != 9 {
		t.Errorf("found %d revisions, want 9", len(found))
	}
}

// TestNobodySeesAPartOfASet has readers of the present, of pages and of the past look all the time
// while two nodes apply sets that give three names one value.
func TestNobodySeesAPartOfASet(t *testing.T) {
	const sets, writers = 50, 4
	events := memory.New()
	opts := configstore.Options{Feed: feed.Options{RingEvents: 2}, Follower: projection.Options{PageSize: 2}}
	nodes := []*configstoretest.Store{configstoretest.On(t, events, opts)}
	if _, err := nodes[0].Apply(t.Context(), auth.Anonymous, threeOf(t, "first")); err != nil {
		t.Fatal(err)
	}
	nodes = append(nodes, configstoretest.On(t, events, opts))
	var writing, reading sync.WaitGroup
	written := make(chan struct{})
	for i := range writers {
		writing.Go(func() {
			for n := range sets {
				if _, err := nodes[i%2].Apply(t.Context(), auth.Anonymous, threeOf(t, fmt.Sprint(i, "/", n))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, node := range nodes {
		reading.Go(func() {
			for done := false; !done && !t.Failed(); {
				select {
				case <-written:
					done = true // and look once more
				default:
				}
				mustSeeWholeSets(t, node.Reader(auth.Anonymous))
			}
		})
	}
	writing.Wait()
	close(written)
	reading.Wait()
}

// threeOf returns a set that gives three names one value.
func threeOf(t *testing.T, value string) config.ChangeSet {
	return setOf(configstoretest.Set(t, "a", value), configstoretest.Set(t, "b", value), configstoretest.Set(t, "c", value))
}

func mustSeeWholeSets(t *testing.T, r *configstore.Reader) {
	head := r.Head()
	if head.Seq%3 != 0 {
		t.Errorf("a reader is at %d, inside a set", head.Seq)
	}
	middle, err := r.AsOf(t.Context(), r.Config(configstoretest.Name(t, "b")).Position()) // inside a set
	if err != nil {
		t.Error(err)
		return
	}
	for _, snapshot := range []*configstore.Snapshot{r.Now(), middle} {
		page, err := snapshot.Configs(t.Context(), config.Filter{}, "", 10)
		if err != nil || len(page.Configs) != 3 || page.Configs[0].Value != page.Configs[1].Value || page.Configs[0].Value != page.Configs[2].Value {
			t.Errorf("at %s: got %+v, %v, want one value", snapshot.At().Position(), page.Configs, err)
		}
	}
	changes, err := r.Changes(t.Context(), eventstore.Position{}, config.Filter{}, 4)
	if err != nil || len(changes.Revisions)%3 != 0 || !changes.Revisions[len(changes.Revisions)-1].EndsChangeSet() {
		t.Errorf("got %d changes, %v, want whole sets", len(changes.Revisions), err)
	}
}

// TestKeyOfAnotherRestore repeats a key with another restore. The config is not deleted any more,
// by the first one, but what is wrong is the key.
func TestKeyOfAnotherRestore(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "a", "1")
	store.MustDelete(t, "a")
	restore := config.Restore{Name: configstoretest.Name(t, "a")}
	if _, err := store.Do(t.Context(), auth.Anonymous, configstoretest.Once(t, restore, "k")); err != nil {
		t.Fatal(err)
	}
	restore.Value = new(configstoretest.Value(t, "2"))
	_, err := store.Do(t.Context(), auth.Anonymous, configstoretest.Once(t, restore, "k"))
	configstoretest.MustBeKind(t, err, fault.IdempotencyMismatch, false)
}
