package configstore_test

import (
	"fmt"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// changedSet returns a store with names that one set has changed from 1 to 2, and that set.
func changedSet(t *testing.T, names ...string) (*configstoretest.Store, configstore.SetOutcome) {
	t.Helper()
	store := configstoretest.New(t, configstore.Options{})
	var first, second config.ChangeSet
	for _, name := range names {
		first.Changes = append(first.Changes, config.Change{Command: configstoretest.Set(t, name, "1")})
		second.Changes = append(second.Changes, config.Change{Command: configstoretest.Set(t, name, "2")})
	}
	var outcome configstore.SetOutcome
	for _, set := range []config.ChangeSet{first, second} {
		var err error
		if outcome, err = store.Apply(t.Context(), auth.Anonymous, set); err != nil {
			t.Fatal(err)
		}
	}
	return store, outcome
}

// beforeOf returns the position before a set of n changes.
func beforeOf(t *testing.T, store *configstoretest.Store, set configstore.SetOutcome, n int) configstore.PointInTime {
	t.Helper()
	last := configstoretest.MustRead(t, store.Events)[int(set.Position.Seq)-n-1]
	return configstore.PointInTime{Position: last.Position()}
}

// TestRevertsActOnTheVisible reverts, by a caller that does not see all of it.
func TestRevertsActOnTheVisible(t *testing.T) {
	caller := configstoretest.Caller(t, "ci", "READ,WRITE:app", "READ,WRITE:lib/a", "WRITE:lib")
	for _, way := range []string{"set", "moment"} {
		store, set := changedSet(t, "app/x", "hidden", "lib/a", "lib/b")
		revert := func(dry bool) (configstore.SetOutcome, error) {
			if way == "set" {
				return store.RevertChangeSet(t.Context(), caller, configstore.RevertSet{ChangeSet: set.Position, DryRun: dry, IdempotencyKey: configstoretest.Key(t, "key")})
			}
			return store.Revert(t.Context(), caller, configstore.Revert{To: beforeOf(t, store, set, 4), DryRun: dry, IdempotencyKey: configstoretest.Key(t, "key")})
		}
		for _, try := range []string{"dry run", "first", "again"} {
			got, err := revert(try == "dry run")
			if want := "app/x UPDATED 1, lib/a UPDATED 1"; err != nil || describe(got) != want || len(got.Unchanged) > 0 {
				t.Errorf("%s, %s: got %q, unchanged %v, %v, want %q", way, try, describe(got), got.Unchanged, err, want)
			}
		}
		if got, want := values(t, store), "app/x=1 hidden=2 lib/a=1 lib/b=2"; got != want {
			t.Errorf("%s: got %s, want %s", way, got, want)
		}
	}
}

// TestRevertOfVisibleNeedsWrite reverts what the caller sees and may not change in part.
func TestRevertOfVisibleNeedsWrite(t *testing.T) {
	store, set := changedSet(t, "app/x", "hidden", "lib/a", "lib/b")
	caller := configstoretest.Caller(t, "ci", "READ,WRITE:app", "READ:lib")
	want := []string{fmt.Sprintf("-1 : "+forbidden, "WRITE", "lib/a"), fmt.Sprintf("-1 : "+forbidden, "WRITE", "lib/b")}
	for _, dry := range []bool{true, false} {
		for _, conflict := range []configstore.OnConflict{configstore.FailOnConflict, configstore.SkipConflicts, configstore.OverwriteConflicts} {
			_, err := store.RevertChangeSet(t.Context(), caller, configstore.RevertSet{ChangeSet: set.Position, DryRun: dry, OnConflict: conflict})
			mustFail(t, err, want...)
		}
		revert := configstore.Revert{To: configstore.PointInTime{Position: eventstore.Position{Seq: 99}}, DryRun: dry}
		// That the history does not have the position is not said.
		_, err := store.Revert(t.Context(), caller, revert)
		mustFail(t, err, want...)
		revert.Filter = mustFilter(t, "", "app/x", "hidden", "lib/b")
		_, err = store.Revert(t.Context(), caller, revert)
		mustFail(t, err, want[1])
	}
	if got, want := values(t, store), "app/x=2 hidden=2 lib/a=2 lib/b=2"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestRevertOfHiddenSetIsUnknown undoes a set of which the caller sees nothing, and one that the
// history does not have: the answers are the same.
func TestRevertOfHiddenSetIsUnknown(t *testing.T) {
	store, set := changedSet(t, "hidden", "lib/a")
	caller := configstoretest.Caller(t, "ci", "READ,WRITE:app", "WRITE:lib")
	head := store.Reader(auth.Anonymous).Head().Position()
	for _, at := range []eventstore.Position{set.Position, {Seq: set.Position.Seq}, {Seq: set.Position.Seq + 9}} {
		for _, dry := range []bool{true, false} {
			_, err := store.RevertChangeSet(t.Context(), caller, configstore.RevertSet{ChangeSet: at, DryRun: dry})
			mustFail(t, err, "-1 changeSet: "+fault.ErrPositionUnknown.Error())
			if rejection := err.(*fault.Rejection); rejection.Position != head {
				t.Errorf("got position %v, want %v", rejection.Position, head)
			}
		}
	}
}

// TestReceiptsShowWhatIsVisibleToday repeats requests by callers that may do less than when they
// sent them first.
func TestReceiptsShowWhatIsVisibleToday(t *testing.T) {
	store, set := changedSet(t, "a", "b")
	as := func(grants ...string) auth.Caller { return configstoretest.Caller(t, "ci", grants...) }
	undo := configstore.RevertSet{ChangeSet: set.Position, IdempotencyKey: configstoretest.Key(t, "undo")}
	once := setOf(configstoretest.Set(t, "a", "3"), onlyIfChanged(t, "b", "1"))
	once.IdempotencyKey = configstoretest.Key(t, "once")
	if _, err := store.RevertChangeSet(t.Context(), as("READ,WRITE:"), undo); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Apply(t.Context(), as("READ,WRITE:"), once); err != nil || fmt.Sprint(got.Unchanged) != "[b]" {
		t.Fatalf("got %+v, %v", got, err)
	}
	head := store.Reader(auth.Anonymous).Head()

	got, err := store.RevertChangeSet(t.Context(), as("READ,WRITE:a"), undo)
	if err != nil || describe(got) != "a UPDATED 1" || len(got.Unchanged) > 0 {
		t.Errorf("with a alone: got %q, %v, %v", describe(got), got.Unchanged, err)
	}
	_, err = store.RevertChangeSet(t.Context(), as("READ:", "WRITE:a"), undo)
	mustFail(t, err, fmt.Sprintf("-1 : "+forbidden, "WRITE", "b"))
	_, err = store.RevertChangeSet(t.Context(), as("READ,WRITE:c"), undo)
	mustFail(t, err, "-1 changeSet: "+fault.ErrPositionUnknown.Error())
	_, err = store.RevertChangeSet(t.Context(), as("WRITE:"), undo)
	mustFail(t, err, "-1 : READ is not granted on what the request is about; use a token that grants it")

	got, err = store.Apply(t.Context(), as("WRITE:", "READ:b"), once)
	if err != nil || describe(got) != "a UPDATED 3" || got.Revisions[0].HasOldValue() {
		t.Errorf("without READ on a: got %+v, %v", got, err)
	}
	_, err = store.Apply(t.Context(), as("WRITE:", "READ:a"), once)
	mustFail(t, err, fmt.Sprintf("1 name: "+forbidden, "READ", "b"))
	// The receipt is that of its actor alone.
	other := configstoretest.Caller(t, "other", "READ,WRITE:")
	if got, err := store.Apply(t.Context(), other, once); err != nil || got.Position.Seq != head.Seq+1 {
		t.Errorf("another caller with the same key: got %+v, %v", got, err)
	}
}
