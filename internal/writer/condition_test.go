package writer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// require returns the condition that a config's newest revision is the one at a position.
func require(at eventstore.Position) []config.Condition {
	return []config.Condition{config.RequireRevision(int64(at.Seq), config.HashPrefix(at.Prefix))}
}

func TestConditionsAreDecidedOnTheNewestRevision(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	first := store.MustSet(t, "a", "1").Position
	store.MustSet(t, "b", "between")
	second := store.MustSet(t, "a", "2").Position
	foreign := second
	foreign.Prefix[0]++

	set := config.Set{Name: configstoretest.Name(t, "a"), Value: configstoretest.Value(t, "3")}
	for _, wrong := range []eventstore.Position{{}, first, foreign, {Seq: 99}} {
		set.Conditions = require(wrong)
		_, err := store.Do(t.Context(), auth.Anonymous, config.Single(set))
		var refusal *fault.Refusal
		if !errors.Is(err, config.ErrRevisionConflict) || !errors.As(err, &refusal) || refusal.Current.Position() != second {
			t.Errorf("with %s: got %v", wrong, err)
		}
	}
	set.Conditions = require(second)
	third, err := store.Do(t.Context(), auth.Anonymous, config.Single(set))
	if err != nil {
		t.Fatal(err)
	}
	remove := config.Delete{Name: set.Name, Conditions: require(third.Position)}
	fourth, err := store.Do(t.Context(), auth.Anonymous, config.Single(remove))
	if err != nil {
		t.Fatal(err)
	}
	restore := config.Restore{Name: set.Name, Conditions: require(fourth.Position)}
	if _, err := store.Do(t.Context(), auth.Anonymous, config.Single(restore)); err != nil {
		t.Error(err)
	}
}

// TestConditionsWithinABatch queues commands together, so that later ones are decided on events
// that are not committed yet.
func TestConditionsWithinABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events, release := configstoretest.NewFaulty(), make(chan struct{})
		store := configstoretest.On(t, events, configstore.Options{})
		before := store.MustSet(t, "a", "1").Position
		events.SetHooks(configstoretest.Hooks{Append: func(ctx context.Context, from eventstore.Head, records []eventstore.Record) error {
			<-release
			return events.Store.Append(ctx, from, records)
		}})
		set := config.Set{Name: configstoretest.Name(t, "a"), Value: configstoretest.Value(t, "2"), Conditions: require(before)}
		other := config.Set{Name: configstoretest.Name(t, "b")}
		calls := configstoretest.StartAll(t.Context(), store, config.Single(other), config.Single(set), config.Single(set), config.Single(set))
		close(release)
		won := 0
		for _, c := range calls[1:] {
			switch <-c.Done; {
			case c.Err == nil:
				won++
			case !errors.Is(c.Err, config.ErrRevisionConflict):
				t.Error(c.Err)
			}
		}
		if sizes := len(events.Appends()); won != 1 || sizes != 3 {
			t.Errorf("%d commands were carried out in %d appends, want 1 in 3", won, sizes)
		}
	})
}
