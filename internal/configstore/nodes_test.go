package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/writer"
)

// operation is what one caller did, and what it was answered. invoked and answered are ticks of one
// clock for all callers: what was answered before another was invoked has happened before it.
type operation struct {
	cmd               config.Set
	invoked, answered int64
	outcome           configstore.Outcome
	err               error
}

// TestNodesAreLinearizable has callers of several nodes write the same configs, with an expected
// version and without, while answers of appends get lost. What they are answered must be as if all
// of it had happened one after the other.
func TestNodesAreLinearizable(t *testing.T) {
	const nodes, callers, each, names = 3, 4, 60, 3
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	events := configstoretest.NewFaulty()
	events.SetHooks(configstoretest.Hooks{Append: losing(events, seed)})
	var clock atomic.Int64
	var mu sync.Mutex
	var done []operation
	var calling sync.WaitGroup
	var stores []*configstoretest.Store
	for range nodes {
		stores = append(stores, configstoretest.On(t, events, configstore.Options{Writer: writer.Options{BatchCommands: 3}}))
	}
	for i := range nodes * callers {
		store := stores[i%nodes]
		dice := rand.New(rand.NewPCG(seed, uint64(i)))
		calling.Go(func() {
			for n := range each {
				cmd := configstoretest.Set(t, fmt.Sprintf("n%d", dice.IntN(names)), fmt.Sprintf("%d by %d", n, i))
				if dice.IntN(2) == 0 {
					version := config.Version(0)
					if present := store.Reader(auth.Anonymous).Config(cmd.Name); present != nil {
						version = present.Version
					}
					cmd.ExpectedVersion = &version
				}
				op := operation{cmd: cmd, invoked: clock.Add(1)}
				op.outcome, op.err = store.Do(t.Context(), auth.Anonymous, config.Single(cmd))
				op.answered = clock.Add(1)
				mu.Lock()
				done = append(done, op)
				mu.Unlock()
			}
		})
	}
	calling.Wait()
	events.SetHooks(configstoretest.Hooks{})
	history := configstoretest.MustRead(t, events)
	mustBeLinearizable(t, history, done)
	for i, store := range stores {
		store.MustSet(t, "last", fmt.Sprint(i)) // so that the node has applied all others
		configstoretest.MustEqualReplay(t, store.Reader(auth.Anonymous), configstoretest.MustRead(t, events))
	}
}

// losing returns a hook for Append that loses some answers, and does not write at all some other
// times.
func losing(f *configstoretest.Faulty, seed uint64) func(context.Context, eventstore.Head, []eventstore.Record) error {
	var mu sync.Mutex
	dice := rand.New(rand.NewPCG(seed, 0))
	return func(ctx context.Context, expected eventstore.Head, records []eventstore.Record) error {
		mu.Lock()
		fate := dice.IntN(60)
		mu.Unlock()
		switch fate {
		case 0:
			return f.LoseAnswer(ctx, expected, records)
		case 1:
			return configstoretest.ErrAnswerLost
		}
		return f.Store.Append(ctx, expected, records)
	}
}

func mustBeLinearizable(t *testing.T, history []*eventstore.Revision, done []operation) {
	t.Helper()
	made := make(map[eventstore.Seq]*operation)
	var refused []*operation
	for i := range done {
		op := &done[i]
		if op.err != nil {
			refused = append(refused, op)
			continue
		}
		p := op.outcome.Position.Seq
		if made[p] != nil {
			t.Errorf("position %d was the answer to two commands", p)
		}
		made[p] = op
		if r := history[p-1]; r.Value != op.cmd.Value || r.Name != op.cmd.Name || !configstoretest.IsAfter(op.outcome.Config, r) {
			t.Errorf("position %d holds %s=%q, but the answer was %s=%q", p, r.Name, r.Value, op.cmd.Name, op.cmd.Value)
		}
		if want := op.cmd.ExpectedVersion; want != nil && *want != history[p-1].Version-1 {
			t.Errorf("position %d: version %d was expected and version %d made", p, *want, history[p-1].Version)
		}
	}
	if len(made) != len(history) {
		t.Errorf("%d answers for %d events", len(made), len(history))
	}
	var latest int64 // invocation of those before
	for _, r := range history {
		op := made[r.Seq]
		if op == nil {
			t.Fatalf("position %d was acknowledged to no caller", r.Seq)
		}
		if op.answered < latest {
			t.Errorf("position %d was answered before one before it was asked for", r.Seq)
		}
		latest = max(latest, op.invoked)
	}
	if len(refused) == 0 {
		t.Error("no command met another's change: the test is void")
	}
	for _, op := range refused {
		mustHaveBeenTrue(t, history, made, op)
	}
}

// mustHaveBeenTrue fails the test unless the version that a command was refused for was the newest
// at some moment between call and answer.
func mustHaveBeenTrue(t *testing.T, history []*eventstore.Revision, made map[eventstore.Seq]*operation, op *operation) {
	t.Helper()
	var refusal *fault.Refusal
	var conflict *config.VersionConflictError
	if !errors.As(op.err, &refusal) || !errors.As(op.err, &conflict) {
		t.Errorf("got %v, want a refusal for the version", op.err)
		return
	}
	current := refusal.Current
	if current.Version != conflict.Actual || conflict.Actual == *op.cmd.ExpectedVersion || !configstoretest.IsAfter(current, history[current.Seq-1]) {
		t.Errorf("refused for %+v with %v", current, conflict)
		return
	}
	if by := made[current.Seq]; by.invoked > op.answered {
		t.Errorf("refused for position %d before it was asked for", current.Seq)
	}
	next := slices.IndexFunc(history, func(r *eventstore.Revision) bool { return r.Name == current.Name && r.Version == current.Version+1 })
	if next >= 0 && made[history[next].Seq].answered < op.invoked {
		t.Errorf("refused for position %d, after which there was a newer one already", current.Seq)
	}
}

// TestNodesReadEachOthersWrites reads the position of a write on one node from the other, in turns.
func TestNodesReadEachOthersWrites(t *testing.T) {
	one := configstoretest.New(t, configstore.Options{})
	two := configstoretest.On(t, one.Events, configstore.Options{})
	name := configstoretest.Name(t, "a")
	for i := range 100 {
		one, two = two, one
		written := one.MustSet(t, "a", fmt.Sprint(i))
		if got := one.Reader(auth.Anonymous).Config(name); got.Seq < written.Position.Seq {
			t.Fatalf("the node that wrote position %s reads position %d", written.Position, got.Seq)
		}
		snapshot, err := two.Reader(auth.Anonymous).AsOf(t.Context(), written.Position)
		if err != nil {
			t.Fatal(err)
		}
		got, err := snapshot.Config(t.Context(), name)
		if err != nil || got.Value.String() != fmt.Sprint(i) {
			t.Fatalf("the other node reads %+v, %v, want %d", got, err, i)
		}
	}
}
