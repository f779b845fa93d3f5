package configstore_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// failures returns why a set was rejected, as lines "change field: text".
func failures(t testing.TB, err error) []string {
	t.Helper()
	rejection, is := errors.AsType[*fault.Rejection](err)
	if !is {
		t.Fatalf("got %v, want a rejection", err)
	}
	var lines []string
	for _, f := range rejection.Failures {
		lines = append(lines, fmt.Sprintf("%d %s: %v", f.Change, f.Field, f.Err))
	}
	return lines
}

func mustFail(t testing.TB, err error, want ...string) {
	t.Helper()
	if got := failures(t, err); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got failures\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

const forbidden = "%s on %s is not granted; use a token that grants it"

// TestForbiddenComesAlone has sets of which some names may not be changed, and which are wrong in
// other ways, too. Only the forbidden ones are named, and nothing of the state is said.
func TestForbiddenComesAlone(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "app/a", "1")
	store.MustSet(t, "other", "2")
	caller := configstoretest.Caller(t, "ci", "READ,WRITE:app", "READ:seen")
	before := store.Reader(auth.Anonymous).Head()

	set := setOf(configstoretest.SetAt(t, "app/a", "x", 7), configstoretest.SetAt(t, "other", "x", 9), remove(t, "seen/none"), restore(t, "app/b"))
	set.AsSeenAt = &config.RevisionID{Seq: 99} // the history does not have it
	want := []string{fmt.Sprintf("1 name: "+forbidden, "WRITE", "other"), fmt.Sprintf("2 name: "+forbidden, "WRITE", "seen/none")}
	for _, set.DryRun = range []bool{true, false} {
		_, err := store.Apply(t.Context(), caller, set)
		mustFail(t, err, want...)
		for _, f := range err.(*fault.Rejection).Failures {
			if denied, is := errors.AsType[*fault.ForbiddenError](f.Err); !is || denied.Action != auth.Write {
				t.Errorf("got %v", f.Err)
			}
		}
	}
	// What is wrong with the input comes first, and then still nothing of the state is said.
	set.Changes = append(set.Changes, config.Change{Invalid: []*config.InvalidError{{Field: "name", Rule: "is empty"}}})
	_, err := store.Apply(t.Context(), caller, set)
	mustFail(t, err, "4 name: name is empty")
	if after := store.Reader(auth.Anonymous).Head(); after != before {
		t.Errorf("something was written: the head is %v", after)
	}
}

// TestForbiddenSaysNothing sends the same commands for a name that exists, one that is deleted, one
// that never was and one that is another's: who may not write gets the same answer.
func TestForbiddenSaysNothing(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "there", "1")
	store.MustSet(t, "gone", "1")
	store.MustDelete(t, "gone")
	for _, caller := range []auth.Caller{{}, configstoretest.Caller(t, "ci", "READ:", "WRITE:app"), configstoretest.Caller(t, "ci", "ADMIN:", "WRITE:ther")} {
		for _, name := range []string{"there", "gone", "never"} {
			once := configstoretest.Once(t, configstoretest.SetAt(t, name, "x", 5), "key")
			for _, set := range []config.ChangeSet{
				once, config.Single(configstoretest.Set(t, name, "x")), config.Single(remove(t, name)), config.Single(restore(t, name)), config.Single(onlyIfChanged(t, name, "1")),
			} {
				_, err := store.Do(t.Context(), caller, set)
				if err == nil || err.Error() != fmt.Sprintf(forbidden, "WRITE", name) || fault.KindOf(err) != fault.Denied {
					t.Errorf("%s: got %v", name, err)
				}
			}
		}
	}
}

func onlyIfChanged(t testing.TB, name, value string) config.Set {
	set := configstoretest.Set(t, name, value)
	set.OnlyIfChanged = true
	return set
}

// TestWriteWithoutRead has a caller that may write and not read: it sees what its own changes made,
// and that there is a conflict, but nothing else.
func TestWriteWithoutRead(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "a", "secret")
	store.MustSet(t, "gone", "secret")
	store.MustDelete(t, "gone")
	caller := configstoretest.Caller(t, "ci", "WRITE:")

	outcome, err := store.Do(t.Context(), caller, configstoretest.SetOnce(t, "a", "mine", "key"))
	mustBeOwn(t, outcome, err, 2, "mine")
	again, err := store.Do(t.Context(), caller, configstoretest.SetOnce(t, "a", "mine", "key"))
	mustBeOwn(t, again, err, 2, "mine")
	if again.Position != outcome.Position {
		t.Errorf("the same request again: got position %v, want %v", again.Position, outcome.Position)
	}
	back := restore(t, "gone")
	back.Value = new(configstoretest.Value(t, "mine"))
	outcome, err = store.Do(t.Context(), caller, config.Single(back))
	mustBeOwn(t, outcome, err, 3, "mine")
	outcome, err = store.Do(t.Context(), caller, config.Single(remove(t, "gone")))
	mustBeOwn(t, outcome, err, 4, "")

	for _, test := range []struct {
		cmd  config.Command
		want string
	}{
		{configstoretest.SetAt(t, "a", "x", 1), "version 1 was expected, but the config has another one"},
		{configstoretest.SetAt(t, "new", "x", 3), "version 3 was expected, but the config has another one"},
		{config.Set{Name: configstoretest.Name(t, "a"), Conditions: []config.Condition{config.RequireRevision(1, config.HashPrefix{})}}, config.ErrRevisionConflict.Error()},
		{configstoretest.Set(t, "gone", "x"), config.ErrDeleted.Error()},
		{remove(t, "none"), config.ErrNotFound.Error()},
		{config.Restore{Name: configstoretest.Name(t, "a"), Value: back.Value}, config.ErrNotDeleted.Error()},
	} {
		_, err := store.Do(t.Context(), caller, config.Single(test.cmd))
		refusal, is := errors.AsType[*fault.Refusal](err)
		if !is || err.Error() != test.want || refusal.Current != nil || !refusal.Hidden {
			t.Errorf("%+v: got %v, current %v, hidden %t, want %q", test.cmd, err, refusal.Current, refusal.Hidden, test.want)
		}
	}
	seen := setOf(configstoretest.Set(t, "a", "x"))
	seen.AsSeenAt = &config.RevisionID{}
	_, err = store.Apply(t.Context(), caller, seen)
	mustFail(t, err, "0 name: "+fault.ErrStale.Error())
}

// mustBeOwn fails unless an outcome shows what the change itself made, and no more.
func mustBeOwn(t testing.TB, got configstore.Outcome, err error, version config.Version, value string) {
	t.Helper()
	switch {
	case err != nil:
		t.Fatal(err)
	case got.Config != nil || got.Own == nil:
		t.Errorf("got %+v, want the change alone", got)
	case got.Own.Version != version || got.Own.Value.String() != value || got.Own.Position() != got.Position:
		t.Errorf("got %+v, want version %d and %q", got.Own, version, value)
	case got.Own.HasOldValue() || got.Own.OldValue != config.Value{}:
		t.Errorf("the old value %q is shown", got.Own.OldValue)
	}
}

// TestReadingWritesNeedRead has a caller that may write and not read ask for what would show values
// of others.
func TestReadingWritesNeedRead(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	set := store.MustSet(t, "a", "secret")
	store.MustSet(t, "gone", "secret")
	store.MustDelete(t, "gone")
	caller := configstoretest.Caller(t, "ci", "WRITE:", "READ:b")
	for _, cmd := range []config.Command{onlyIfChanged(t, "a", "secret"), onlyIfChanged(t, "a", "guess"), onlyIfChanged(t, "none", "x"), restore(t, "gone"), restore(t, "a")} {
		for _, dry := range []bool{true, false} {
			asked := config.Single(cmd)
			asked.DryRun = dry
			_, err := store.Apply(t.Context(), caller, asked)
			mustFail(t, err, fmt.Sprintf("0 name: "+forbidden, "READ", cmd.Target()))
		}
	}
	undo := configstore.RevertSet{ChangeSet: set.Position}
	for _, undo.DryRun = range []bool{true, false} {
		_, err := store.RevertChangeSet(t.Context(), caller, undo)
		mustFail(t, err, "-1 changeSet: "+fault.ErrPositionUnknown.Error())
		_, err = store.RevertChangeSet(t.Context(), configstoretest.Caller(t, "ci", "WRITE:"), undo)
		mustFail(t, err, "-1 : READ is not granted on what the request is about; use a token that grants it")
		_, err = store.Revert(t.Context(), caller, configstore.Revert{Filter: mustFilter(t, "a"), DryRun: undo.DryRun})
		mustFail(t, err, fmt.Sprintf("-1 : "+forbidden, "READ", "a"))
	}
}

// TestSetWithoutRead applies a set of names of which the caller may read one.
func TestSetWithoutRead(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	mustApply(t, store, configstoretest.Set(t, "hidden/a", "old"), configstoretest.Set(t, "seen/a", "old"), configstoretest.Set(t, "hidden/b", "old"))
	caller := configstoretest.Caller(t, "ci", "WRITE:", "READ:seen")
	stream, err := store.Watch(t.Context(), auth.Anonymous, config.Filter{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	set := setOf(configstoretest.Set(t, "hidden/a", "new"), configstoretest.Set(t, "seen/a", "new"), remove(t, "hidden/b"))
	set.IdempotencyKey = configstoretest.Key(t, "key")
	const want = "hidden/a 2 new false, seen/a 2 new true, hidden/b 2  false"
	for _, try := range []string{"dry run", "first", "again"} {
		set.DryRun = try == "dry run"
		got, err := store.Apply(t.Context(), caller, set)
		if err != nil {
			t.Fatal(try, err)
		}
		var texts []string
		for _, r := range got.Revisions {
			texts = append(texts, fmt.Sprint(r.Name, " ", r.Version, " ", r.Value, " ", r.HasOldValue() && r.OldValue.String() == "old"))
		}
		if shown := strings.Join(texts, ", "); shown != want {
			t.Errorf("%s: got %q, want %q", try, shown, want)
		}
	}
	// What everybody else sees is whole: the answer shares nothing with it that it has cut.
	var streamed []*eventstore.Revision
	for len(streamed) < 3 {
		changes, err := stream.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		streamed = append(streamed, changes.Revisions...)
	}
	for _, r := range streamed {
		if !r.HasOldValue() || r.OldValue.String() != "old" {
			t.Errorf("%s has lost its old value: %+v", r.Name, r)
		}
	}
}

// TestBytesOfHiddenValues replaces more than a set may: how much that is, is not said.
func TestBytesOfHiddenValues(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	large := strings.Repeat("x", config.DefaultMaxValueBytes)
	var set config.ChangeSet
	for i := range 5 {
		name := fmt.Sprintf("large/%d", i)
		store.MustSet(t, name, large)
		set.Changes = append(set.Changes, config.Change{Command: remove(t, name)})
	}
	_, err := store.Apply(t.Context(), configstoretest.Caller(t, "ci", "WRITE:"), set)
	mustFail(t, err, "-1 changes: changes have too many bytes of values that they replace or delete; at most 4194304 are allowed")
	_, err = store.Apply(t.Context(), auth.Anonymous, set)
	mustFail(t, err, "-1 changes: changes have 5242880 bytes of values that they replace or delete; at most 4194304 are allowed")
}
