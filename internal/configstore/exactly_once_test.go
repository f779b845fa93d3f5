package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
)

// step is one change set of a plan, and what happens to the appends meanwhile.
type step struct {
	caller auth.Caller
	set    config.ChangeSet
	node   int
	fates  []fate
}

// TestExactlyOneEffectPerKey sends random change sets with random keys to nodes that lose answers
// and die, and repeats them until there is an answer.
func TestExactlyOneEffectPerKey(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step { return drawStep(t, rt) }), 10, 50).Draw(rt, "plan")
		var problem error
		synctest.Test(t, func(t *testing.T) { problem = carryOut(t, plan) })
		if problem != nil {
			rt.Fatal(problem)
		}
	})
}

func drawStep(t *testing.T, rt *rapid.T) step {
	s := step{node: rapid.IntRange(0, 1).Draw(rt, "node"), caller: auth.Caller{Name: rapid.SampledFrom([]string{"", "ann"}).Draw(rt, "caller"), Grants: auth.Everything}}
	for _, text := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b"}), 1, 2, rapid.ID[string]).Draw(rt, "names") {
		name := configstoretest.Name(t, text)
		var cmd config.Command
		switch rapid.IntRange(0, 5).Draw(rt, "kind") {
		case 0:
			cmd = config.Delete{Name: name}
		case 1:
			cmd = config.Restore{Name: name}
		default:
			value := configstoretest.Value(t, rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "value"))
			cmd = config.Set{Name: name, Value: value, OnlyIfChanged: rapid.Bool().Draw(rt, "only if changed")}
		}
		s.set.Changes = append(s.set.Changes, config.Change{Command: cmd})
	}
	s.set.IdempotencyKey = configstoretest.Key(t, rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(rt, "key"))
	if s.set.IdempotencyKey.String() != "" { // without a key it must not be repeated
		s.fates = rapid.SliceOfN(rapid.Map(rapid.IntRange(int(succeeds), int(diesAfter)), func(i int) fate { return fate(i) }), 0, 3).Draw(rt, "fates")
	}
	return s
}

// cluster is two nodes on one history, the outcomes so far, and the model.
type cluster struct {
	t      *testing.T
	events *memory.Store
	fates  fates
	nodes  [2]*node
	model  model
	first  map[eventstore.Key]done
}

type done struct {
	set     config.ChangeSet
	outcome configstore.SetOutcome
}

type node struct {
	*configstore.Store
	events *crashing
	stop   func()
}

func carryOut(t *testing.T, plan []step) error {
	c := &cluster{t: t, events: memory.New(), first: make(map[eventstore.Key]done)}
	for i := range c.nodes {
		c.nodes[i] = c.start()
	}
	defer func() {
		for _, n := range c.nodes {
			n.stop()
		}
	}()
	for i, s := range plan {
		if err := c.do(s); err != nil {
			return fmt.Errorf("step %d, %+v: %w", i, s, err)
		}
	}
	return nil
}

func (c *cluster) start() *node {
	n := &node{events: &crashing{Store: c.events, fates: &c.fates}}
	n.Store = configstore.New(n.events, configstore.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = n.Run(ctx)
	}()
	configstoretest.MustGetReady(c.t, n.Store)
	n.stop = func() {
		cancel()
		<-stopped
	}
	return n
}

// do carries out a step until it has an answer, and returns how the answer differs from the model.
func (c *cluster) do(s step) error {
	c.fates.set(s.fates)
	outcome, err := c.until(s)
	history := configstoretest.MustRead(c.t, c.events)
	key := eventstore.Key{Actor: s.caller.Name, Text: s.set.IdempotencyKey.String()}
	before, known := c.first[key]
	events, refused := c.decide(s.set)
	var rejection *fault.Rejection
	rejected := errors.As(err, &rejection)
	switch {
	case known && !reflect.DeepEqual(before.set, s.set): // what is wrong with the configs comes before
		if !rejected || len(rejection.Failures) != refused+1 || !errors.Is(rejection.Failures[refused].Err, fault.ErrIdempotencyMismatch) {
			return fmt.Errorf("got %+v, %v, want %d failures and %w", outcome, err, refused, fault.ErrIdempotencyMismatch)
		}
	case known:
		if err != nil || !reflect.DeepEqual(outcome, before.outcome) {
			return fmt.Errorf("got %+v, %v, want what it was at first: %+v", outcome, err, before.outcome)
		}
	case refused > 0:
		if !rejected || len(rejection.Failures) != refused {
			return fmt.Errorf("got %+v, %v, want %d failures", outcome, err, refused)
		}
	case err != nil || len(outcome.Revisions) != len(events) || outcome.Position != history[len(history)-1].Position():
		return fmt.Errorf("got %+v, %v, want %+v", outcome, err, events)
	default:
		c.model.events = append(c.model.events, events...)
		if key.Text != "" {
			c.first[key] = done{s.set, outcome}
		}
	}
	if len(history) != len(c.model.events) {
		return fmt.Errorf("the history has %d events, want %d", len(history), len(c.model.events))
	}
	return nil
}

// decide returns the events of a set, and how many of its commands are refused.
func (c *cluster) decide(set config.ChangeSet) (events []modelEvent, refused int) {
	for _, change := range set.Changes {
		switch event, kind := c.model.decide(change.Command, time.Time{}); {
		case kind != fault.Internal:
			refused++
		case event != nil:
			events = append(events, *event)
		}
	}
	return events, refused
}

// until sends a set to one node after the other, as a client does that gets no answer. It
// replaces a dead node.
func (c *cluster) until(s step) (outcome configstore.SetOutcome, err error) {
	for attempt := range 10 {
		n := &c.nodes[(s.node+attempt)%2]
		outcome, err = (*n).Apply(context.Background(), s.caller, s.set)
		if (*n).events.isDead() {
			(*n).stop()
			*n = c.start()
		}
		if fault.KindOf(err) != fault.Unavailable || err == nil {
			break
		}
	}
	return outcome, err
}
