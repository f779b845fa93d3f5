package configstore_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// values returns the configs of a store as text.
func values(t testing.TB, store *configstoretest.Store) string {
	t.Helper()
	page, err := store.Reader(auth.Anonymous).Now().Configs(t.Context(), config.Filter{}, "", configstore.MaxPageSize)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range page.Configs {
		all = append(all, fmt.Sprint(c.Name, "=", c.Value))
	}
	return strings.Join(all, " ")
}

func mustApply(t testing.TB, store *configstoretest.Store, commands ...config.Command) configstore.SetOutcome {
	t.Helper()
	outcome, err := store.Apply(t.Context(), auth.Anonymous, setOf(commands...))
	if err != nil {
		t.Fatal(err)
	}
	return outcome
}

func remove(t testing.TB, name string) config.Delete {
	return config.Delete{Name: configstoretest.Name(t, name)}
}

func restore(t testing.TB, name string) config.Restore {
	return config.Restore{Name: configstoretest.Name(t, name)}
}

// TestRevertChangeSet undoes a set with each operation, and then the undoing.
func TestRevertChangeSet(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	mustApply(t, store, configstoretest.Set(t, "updated", "1"), configstoretest.Set(t, "deleted", "2"), configstoretest.Set(t, "restored", "3"))
	store.MustDelete(t, "restored")
	before := values(t, store)
	set := mustApply(t, store, configstoretest.Set(t, "created", "5"), configstoretest.Set(t, "updated", "6"), remove(t, "deleted"), restore(t, "restored"))
	after := values(t, store)
	store.MustSet(t, "later", "stays")

	undo := configstore.RevertSet{ChangeSet: set.Position, DryRun: true}
	dry, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
	if err != nil || !dry.DryRun || len(dry.Revisions) != 4 || values(t, store) != "created=5 later=stays restored=3 updated=6" {
		t.Fatalf("dry run: got %+v, %v, configs %s", dry, err, values(t, store))
	}
	undo.DryRun = false
	undo.ChangeSet = set.Revisions[1].Position() // any position within the set means the set
	undone, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
	if err != nil {
		t.Fatal(err)
	}
	mustSayTheSame(t, undone, dry)
	if want := "created DELETED , updated UPDATED 1, deleted RESTORED 2, restored DELETED "; describe(undone) != want {
		t.Errorf("got %q, want %q", describe(undone), want)
	}
	if got, want := values(t, store), "deleted=2 later=stays updated=1"; got != want || before != "deleted=2 updated=1" {
		t.Errorf("undone: got %s, want %s", got, want)
	}
	again, err := store.RevertChangeSet(t.Context(), auth.Anonymous, configstore.RevertSet{ChangeSet: undone.Position})
	if err != nil || values(t, store) != "created=5 later=stays restored=3 updated=6" || after != "created=5 restored=3 updated=6" {
		t.Errorf("undoing the undoing: got %+v, %v, configs %s", again, err, values(t, store))
	}
}

// TestRevertConflicts undoes a set of which two configs have changed since.
func TestRevertConflicts(t *testing.T) {
	start := func(t *testing.T) (*configstoretest.Store, configstore.RevertSet) {
		store := configstoretest.New(t, configstore.Options{})
		mustApply(t, store, configstoretest.Set(t, "a", "1"), configstoretest.Set(t, "b", "1"), configstoretest.Set(t, "c", "1"))
		set := mustApply(t, store, configstoretest.Set(t, "a", "2"), configstoretest.Set(t, "b", "2"), configstoretest.Set(t, "c", "2"))
		store.MustSet(t, "b", "3")
		store.MustDelete(t, "c")
		return store, configstore.RevertSet{ChangeSet: set.Position}
	}
	t.Run("fail", func(t *testing.T) {
		store, undo := start(t)
		_, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
		var rejection *fault.Rejection
		if !errors.As(err, &rejection) || len(rejection.Failures) != 2 {
			t.Fatalf("got %v, want two failures", err)
		}
		for i, name := range []string{"b", "c"} {
			var conflict *fault.RevertConflict
			if !errors.As(rejection.Failures[i].Err, &conflict) || conflict.Name.String() != name || conflict.Change.Value.String() != "2" || conflict.Current.Version != 3 {
				t.Errorf("failure %d: got %+v", i, rejection.Failures[i].Err)
			}
		}
		if got := values(t, store); got != "a=2 b=3" {
			t.Errorf("got %s, want nothing written", got)
		}
	})
	t.Run("skip", func(t *testing.T) {
		store, undo := start(t)
		undo.OnConflict = configstore.SkipConflicts
		got, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
		if err != nil || values(t, store) != "a=1 b=3" || fmt.Sprint(got.Unchanged) != "[b c]" {
			t.Errorf("got %+v, %v, configs %s", got, err, values(t, store))
		}
	})
	t.Run("overwrite", func(t *testing.T) {
		store, undo := start(t)
		undo.OnConflict = configstore.OverwriteConflicts
		got, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
		if want := "a UPDATED 1, b UPDATED 1, c RESTORED 1"; err != nil || describe(got) != want {
			t.Errorf("got %s, %v, want %s", describe(got), err, want)
		}
	})
}

// TestRevertsAreRecalled sends reverts again that were carried out.
func TestRevertsAreRecalled(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	first := store.MustSet(t, "a", "1")
	set := mustApply(t, store, configstoretest.Set(t, "a", "2"), configstoretest.Set(t, "b", "2"))
	undo := configstore.RevertSet{ChangeSet: set.Position, IdempotencyKey: configstoretest.Key(t, "undo")}
	want, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
	if err != nil {
		t.Fatal(err)
	}
	back := configstore.Revert{To: configstore.PointInTime{Position: first.Position}, IdempotencyKey: configstoretest.Key(t, "nothing")}
	nothing, err := store.Revert(t.Context(), auth.Anonymous, back)
	if err != nil || len(nothing.Revisions) != 0 || nothing.Position != want.Position {
		t.Fatalf("with nothing to do: got %+v, %v", nothing, err)
	}
	store.MustSet(t, "a", "3")
	again, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
	if err != nil || describe(again) != describe(want) || again.Position != want.Position {
		t.Errorf("again: got %+v, %v, want %+v", again, err, want)
	}
	if again, err := store.Revert(t.Context(), auth.Anonymous, back); err != nil || len(again.Revisions) != 0 || again.Position != nothing.Position {
		t.Errorf("nothing to do, again: got %+v, %v", again, err)
	}
	dry := undo
	dry.DryRun = true
	if got, err := store.RevertChangeSet(t.Context(), auth.Anonymous, dry); err == nil || hasFailure(err, fault.ErrIdempotencyMismatch) {
		t.Errorf("a dry run with the key: got %+v, %v, want a conflict", got, err)
	}
	undo.OnConflict = configstore.OverwriteConflicts
	if _, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo); !hasFailure(err, fault.ErrIdempotencyMismatch) {
		t.Errorf("another request with the key: got %v", err)
	}
	if got := values(t, store); got != "a=3" {
		t.Errorf("got %s, want no second effect", got)
	}
}

func hasFailure(err, want error) bool {
	var rejection *fault.Rejection
	return errors.As(err, &rejection) && slices.ContainsFunc(rejection.Failures, func(f fault.Failure) bool { return errors.Is(f.Err, want) })
}

// TestRevert goes back to moments, of all configs and of some.
func TestRevert(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	mustApply(t, store, configstoretest.Set(t, "x/a", "1"), configstoretest.Set(t, "x/b", "1"), configstoretest.Set(t, "y", "1"))
	store.MustDelete(t, "x/b")
	then := store.MustSet(t, "y", "2")
	store.MustSet(t, "x/a", "3")
	store.MustRestore(t, "x/b")
	store.MustSet(t, "x/new", "3")
	store.MustSet(t, "y", "3")

	filter, err := config.ParseFilter("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Revert(t.Context(), auth.Anonymous, configstore.Revert{To: configstore.PointInTime{Position: then.Position}, Filter: filter})
	if want := "x/a UPDATED 1, x/b DELETED , x/new DELETED "; err != nil || describe(got) != want {
		t.Errorf("below x: got %s, %v, want %s", describe(got), err, want)
	}
	at := then.Config.UpdatedAt()
	if _, err := store.Revert(t.Context(), auth.Anonymous, configstore.Revert{To: configstore.PointInTime{Instant: at}}); err != nil {
		t.Fatal(err)
	}
	if got, want := values(t, store), "x/a=1 y=2"; got != want {
		t.Errorf("at an instant: got %s, want %s", got, want)
	}
	if _, err := store.Revert(t.Context(), auth.Anonymous, configstore.Revert{To: configstore.PointInTime{Instant: at.Add(-time.Hour)}}); err != nil {
		t.Fatal(err)
	}
	if got := values(t, store); got != "" {
		t.Errorf("before the first change: got %s, want nothing", got)
	}
}

// TestRevertRefusals shows which reverts are refused as a whole, and how.
func TestRevertRefusals(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	seen := store.MustSet(t, "a", "1").Position
	store.MustSet(t, "b", "1")
	unknown := eventstore.Position{Seq: 1, Prefix: [4]byte{1, 2, 3, 4}}
	for _, test := range []struct {
		revert configstore.Revert
		field  string
		want   error
	}{
		{configstore.Revert{To: configstore.PointInTime{Position: unknown}}, "to", fault.ErrPositionUnknown},
		{configstore.Revert{AsSeenAt: &unknown}, "asSeenAt", fault.ErrPositionUnknown},
		{configstore.Revert{AsSeenAt: &seen}, "", fault.ErrStale}, // b was set since
	} {
		_, err := store.Revert(t.Context(), auth.Anonymous, test.revert)
		var rejection *fault.Rejection
		if !errors.As(err, &rejection) || len(rejection.Failures) != 1 || rejection.Failures[0].Field != test.field || !errors.Is(rejection.Failures[0].Err, test.want) {
			t.Errorf("%+v: got %v, want %v of %q", test.revert, err, test.want, test.field)
		}
	}
	for _, at := range []eventstore.Position{{}, unknown, {Seq: 99}} {
		if _, err := store.RevertChangeSet(t.Context(), auth.Anonymous, configstore.RevertSet{ChangeSet: at}); !hasFailure(err, fault.ErrPositionUnknown) {
			t.Errorf("undoing %v: got %v", at, err)
		}
	}
}

// TestRevertOfTooMany asks for more changes than a set can hold.
func TestRevertOfTooMany(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	for set := range 2 {
		var commands []config.Command
		for i := range 501 {
			commands = append(commands, configstoretest.Set(t, fmt.Sprintf("many/%d/%d", set, i), "1"))
		}
		mustApply(t, store, commands...)
	}
	_, err := store.Revert(t.Context(), auth.Anonymous, configstore.Revert{})
	var rejection *fault.Rejection
	if !errors.As(err, &rejection) || !strings.Contains(err.Error(), "selects 1002 configs that differ") {
		t.Errorf("got %v", err)
	}
	filter, err := config.ParseFilter("many/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := store.Revert(t.Context(), auth.Anonymous, configstore.Revert{Filter: filter})
	if err != nil || len(got.Revisions) != 501 {
		t.Errorf("half of them: got %d changes, %v", len(got.Revisions), err)
	}
}
