package configstore_test

import (
	"errors"
	"slices"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// TestPositionsOfAnotherScope has a token that may read app, and then more, or less: no stream goes
// on from before that, on the node that has applied the change, and on one that has started from
// the newest event of each name.
func TestPositionsOfAnotherScope(t *testing.T) {
	for kind, open := range stores {
		for name, changed := range map[string][]string{"more": {"READ:app", "READ:more"}, "less": {"READ:app/a"}, "nothing": {"WRITE:app"}} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				events := open(t)
				node := configstoretest.On(t, events, configstore.Options{})
				first := setAsLocal(t, node, "more/x")
				made := mustCreate(t, node, "ci", grants(t, "READ,WRITE:app"))
				seen := setAsLocal(t, node, "app/a")
				mustTake(t, node, auth.ChangeGrants{Name: made.Token.Name, Grants: grants(t, "READ:app")}) // WRITE is taken
				caller := mustAuthenticate(t, node, made.Secret)
				mustGoOn(t, node, caller, eventstore.Position{}, made.Position, seen, node.Reader(caller).Head().Position())
				mustNotGoOn(t, node, caller, first)

				before := setAsLocal(t, node, "more/y")
				at, err := node.ChangeGrants(t.Context(), auth.Local, auth.ChangeGrants{Name: made.Token.Name, Grants: grants(t, changed...)}, config.Reason{})
				if err != nil {
					t.Fatal(err)
				}
				rotated, err := node.RotateToken(t.Context(), auth.Local, auth.RotateToken{Name: made.Token.Name}, config.Reason{})
				if err != nil {
					t.Fatal(err)
				}
				after := setAsLocal(t, node, "more/z")
				for _, node := range []*configstoretest.Store{node, configstoretest.On(t, events, configstore.Options{})} {
					caller := mustAuthenticate(t, node, rotated.Secret)
					mustGoOn(t, node, caller, eventstore.Position{}, at.Position, rotated.Position, after)
					mustNotGoOn(t, node, caller, first, made.Position, seen, before)
					mustGoOn(t, node, auth.Local, first, before)
				}
			})
		}
	}
}

// TestPositionsOfAnOpenServer has an anonymous caller before and after the first token, which is
// revoked meanwhile. A server that allows READ on everything goes on.
func TestPositionsOfAnOpenServer(t *testing.T) {
	for name, allowed := range map[string][]string{"some": {"READ:app"}, "everything": {"READ:"}} {
		t.Run(name, func(t *testing.T) {
			opts := configstore.Options{Anonymous: grants(t, allowed...)}
			events := stores["memory"](t)
			node := configstoretest.On(t, events, opts)
			before := setAsLocal(t, node, "app/a")
			mustGoOn(t, node, auth.Anonymous, before)
			first := mustCreate(t, node, "z", auth.Everything)
			node.MustRevoke(t, "z")
			mustCreate(t, node, "a", auth.Everything)
			for _, node := range []*configstoretest.Store{node, configstoretest.On(t, events, opts)} {
				if name == "some" {
					mustNotGoOn(t, node, auth.Anonymous, before)
				} else {
					mustGoOn(t, node, auth.Anonymous, before)
				}
				mustGoOn(t, node, auth.Anonymous, first.Position, node.Reader(auth.Anonymous).Head().Position())
			}
		})
	}
}

// TestOffsetsOfAnotherScope: what continues at the offset of another stream must see the same.
func TestOffsetsOfAnotherScope(t *testing.T) {
	node := configstoretest.New(t, configstore.Options{})
	name, filter := configstoretest.Name(t, "app/a"), mustFilter(t, "app")
	made := mustCreate(t, node, "ci", grants(t, "READ:app", "READ:b"))
	caller := mustAuthenticate(t, node, made.Secret)
	changes, err := node.Watch(t.Context(), caller, filter, nil)
	if err != nil {
		t.Fatal(err)
	}
	states := node.WatchConfig(caller, name)
	for _, step := range []struct {
		grants []string
		want   [2]error // of changes, and of the states of the config
	}{
		{[]string{"READ:app"}, [2]error{}}, // the filter selects nothing else
		{[]string{"READ:app/a"}, [2]error{auth.ErrChanged, nil}},
		{[]string{"READ:"}, [2]error{}},
		{[]string{"READ:b"}, [2]error{auth.ErrChanged, auth.ErrChanged}},
	} {
		mustTake(t, node, auth.ChangeGrants{Name: made.Token.Name, Grants: grants(t, step.grants...)})
		_, errOfChanges := node.Resume(caller, filter, changes.Offset())
		_, errOfStates := node.ResumeConfig(caller, name, states.Offset())
		if got := [2]error{errOfChanges, errOfStates}; got != step.want {
			t.Errorf("with %q: got %v, want %v", step.grants, got, step.want)
		}
	}
}

// setAsLocal has the caller local set a config.
func setAsLocal(t *testing.T, node *configstoretest.Store, name string) eventstore.Position {
	t.Helper()
	outcome, err := node.Do(t.Context(), auth.Local, config.Single(configstoretest.Set(t, name, "1")))
	if err != nil {
		t.Fatal(err)
	}
	return outcome.Position
}

// mustTake has the caller local change a token.
func mustTake(t *testing.T, node *configstoretest.Store, cmd auth.TokenCommand) {
	t.Helper()
	if err := doToken(t.Context(), node, cmd); err != nil {
		t.Fatal(err)
	}
}

// mustGoOn checks that streams go on from positions, and have each later change that the caller may
// read.
func mustGoOn(t *testing.T, node *configstoretest.Store, caller auth.Caller, from ...eventstore.Position) {
	t.Helper()
	for _, at := range from {
		watch, err := node.Watch(t.Context(), caller, config.Filter{}, &at)
		if err != nil {
			t.Errorf("from %s: %v", at, err)
			continue
		}
		reader := node.Reader(caller)
		want, err := reader.Changes(t.Context(), at, config.Filter{}, configstore.MaxPageSize)
		if err != nil {
			t.Fatal(err)
		}
		got, err := watch.ReadTo(t.Context(), reader.Head().Seq)
		if err != nil || !slices.EqualFunc(got.Revisions, want.Revisions, samePosition) {
			t.Errorf("from %s: got %v, %v, want %v", at, got.Revisions, err, want.Revisions)
		}
	}
}

func samePosition(a, b *eventstore.Revision) bool { return a.Position() == b.Position() }

// mustNotGoOn checks that no stream goes on from positions.
func mustNotGoOn(t *testing.T, node *configstoretest.Store, caller auth.Caller, from ...eventstore.Position) {
	t.Helper()
	for _, at := range from {
		if _, err := node.Watch(t.Context(), caller, config.Filter{}, &at); !errors.Is(err, auth.ErrChanged) {
			t.Errorf("from %s: got %v, want %v", at, err, auth.ErrChanged)
		}
	}
}
