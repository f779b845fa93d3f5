package configstore_test

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// drawSet draws changes that the present state allows, of different names.
func drawSet(t *rapid.T, tb testing.TB, store *configstoretest.Store) (commands []config.Command) {
	reader := store.Reader(auth.Anonymous)
	for _, text := range names {
		name := configstoretest.Name(tb, text)
		value := configstoretest.Value(tb, rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "value"))
		state, present := reader.State(name), reader.Config(name)
		switch action := rapid.IntRange(0, 3).Draw(t, "action on "+text); {
		case action == 0:
		case state != nil && present == nil && action == 1:
			commands = append(commands, config.Restore{Name: name})
		case state != nil && present == nil:
			commands = append(commands, config.Restore{Name: name, Value: &value})
		case present != nil && action == 1:
			commands = append(commands, config.Delete{Name: name})
		default:
			commands = append(commands, config.Set{Name: name, Value: value})
		}
	}
	return commands
}

// TestRevertsAreTheInverse applies random sets, and shows that to undo the last one gives the
// configs of before, and that to undo that gives the configs of after; that any moment can be gone
// back to; and that a dry run has said so each time. Value and existence count, not versions.
func TestRevertsAreTheInverse(t *testing.T) {
	for kind, open := range stores {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			store := configstoretest.On(t, open(t), configstore.Options{})
			positions, texts := []eventstore.Position{{}}, []string{""}
			rapid.Check(t, func(rt *rapid.T) {
				commands := drawSet(rt, t, store)
				if len(commands) == 0 {
					return
				}
				before := values(t, store)
				set := mustApply(t, store, commands...)
				after := values(t, store)
				positions, texts = append(positions, set.Position), append(texts, after)
				undo := configstore.RevertSet{ChangeSet: set.Position}
				for _, want := range []string{before, after} {
					undo = mustUndo(t, store, undo, want)
				}
				to := rapid.IntRange(0, len(positions)-1).Draw(rt, "moment")
				back := configstore.Revert{To: configstore.PointInTime{Position: positions[to]}, DryRun: true}
				dry, err := store.Revert(t.Context(), auth.Anonymous, back)
				if err != nil {
					t.Fatal(err)
				}
				back.DryRun, back.AsSeenAt = false, &dry.Position
				went, err := store.Revert(t.Context(), auth.Anonymous, back)
				if err != nil {
					t.Fatal(err)
				}
				mustSayTheSame(t, went, dry)
				if got := values(t, store); got != texts[to] {
					t.Fatalf("back to %v: got %s, want %s", positions[to], got, texts[to])
				}
			})
		})
	}
}

// mustUndo undoes a set, and returns how to undo that.
func mustUndo(t testing.TB, store *configstoretest.Store, undo configstore.RevertSet, want string) configstore.RevertSet {
	t.Helper()
	undone, err := store.RevertChangeSet(t.Context(), auth.Anonymous, undo)
	if err != nil {
		t.Fatal(err)
	}
	if got := values(t, store); got != want {
		t.Fatalf("undoing %v: got %s, want %s", undo.ChangeSet, got, want)
	}
	return configstore.RevertSet{ChangeSet: undone.Position}
}

// TestRevertTakesEffectAtOnePosition makes a config of the filter whenever a revert reads the past,
// up to a number of times. At the position of the outcome all configs of the filter are as they
// were at the moment. Nothing is written when the configs change all the time.
func TestRevertTakesEffectAtOnePosition(t *testing.T) {
	for _, test := range []struct {
		writes int
		dryRun bool
		wrote  bool
	}{{1, false, true}, {3, false, true}, {3, true, true}, {1000, false, false}, {1000, true, false}} {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		then := mustApply(t, store, configstoretest.Set(t, "x/a", "first"), configstoretest.Set(t, "x/b", "first"), configstoretest.Set(t, "y", "first"))
		store.MustSet(t, "x/a", "second")
		store.MustSet(t, "y", "second")
		left := test.writes
		events.SetHooks(configstoretest.Hooks{ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
			if left > 0 {
				store.MustSet(t, fmt.Sprint("x/new/", left), "second")
				left--
			}
			return events.Store.ReadAsOf(ctx, basis, q, limit)
		}})
		filter, err := config.ParseFilter("x", nil)
		if err != nil {
			t.Fatal(err)
		}
		revert := configstore.Revert{To: configstore.PointInTime{Position: then.Position}, Filter: filter, DryRun: test.dryRun}
		outcome, err := store.Revert(t.Context(), auth.Anonymous, revert)
		events.SetHooks(configstoretest.Hooks{})
		if !test.wrote {
			configstoretest.MustBeKind(t, err, fault.Unavailable, false)
			continue
		}
		if err != nil || len(outcome.Revisions) != 1+test.writes {
			t.Errorf("%+v: got %s, %v", test, describe(outcome), err)
		}
		if got := values(t, store); !test.dryRun && got != "x/a=first x/b=first y=second" {
			t.Errorf("%+v: got %s", test, got)
		}
	}
}
