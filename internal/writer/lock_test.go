package writer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// overtaken is an event store on which other nodes write just before this one, as often as the test
// says.
type overtaken struct {
	eventstore.Store
	overtake func()

	mu    sync.Mutex // guards what is below
	times int        // that it is going to be overtaken
	did   []string   // what was done to the history
}

func (o *overtaken) record(what string) (overtake bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.did = append(o.did, what)
	o.times--
	return o.times >= 0
}

func (o *overtaken) Append(ctx context.Context, expected eventstore.Head, records []eventstore.Record, receipts ...eventstore.Receipt) error {
	if o.record("append") {
		o.overtake()
	}
	return o.Store.Append(ctx, expected, records, receipts...)
}

func (o *overtaken) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	if o.record("lock") {
		o.overtake()
	}
	return o.Store.AppendLocked(ctx, after, decide)
}

// Wait never returns for new records: the node learns of them by its own writes alone.
func (o *overtaken) Wait(ctx context.Context, _ eventstore.Seq) error {
	<-ctx.Done()
	return ctx.Err()
}

// TestLocksFirstAfterTwoLosses has another node be faster twice, and write a few times more while
// the head is locked.
func TestLocksFirstAfterTwoLosses(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	events := &overtaken{Store: base.Events, overtake: func() { base.MustSet(t, "a", "foreign") }}
	node := configstoretest.On(t, events, configstore.Options{})
	do := func(times int, cmd config.Command, want ...string) (configstore.Outcome, error) {
		t.Helper()
		events.mu.Lock()
		events.times, events.did = times, nil
		events.mu.Unlock()
		outcome, err := node.Do(t.Context(), auth.Anonymous, config.Single(cmd))
		events.mu.Lock()
		defer events.mu.Unlock()
		if !slices.Equal(events.did, want) {
			t.Errorf("%+v, overtaken %d times: did %v, want %v", cmd, times, events.did, want)
		}
		return outcome, err
	}
	must := func(version config.Version) func(configstore.Outcome, error) {
		return func(got configstore.Outcome, err error) {
			t.Helper()
			if err != nil || got.Config.Version != version {
				t.Errorf("got %+v, %v, want version %d", got, err, version)
			}
		}
	}
	must(1)(do(0, configstoretest.Set(t, "a", "1"), "append"))
	must(3)(do(1, configstoretest.Set(t, "a", "2"), "append", "append"))
	must(7)(do(3, configstoretest.Set(t, "a", "3"), "append", "append", "lock"))
	must(9)(do(1, configstoretest.Set(t, "a", "4"), "lock"))
	_, err := do(1, configstoretest.SetAt(t, "a", "no", 9), "lock") // decided on what was missed
	configstoretest.MustBeKind(t, err, fault.VersionConflict, false)
	for quiet := range config.Version(8) {
		must(11 + quiet)(do(0, configstoretest.Set(t, "a", "5"), "lock"))
	}
	must(19)(do(0, configstoretest.Set(t, "a", "6"), "append"))
	if got := node.Reader(auth.Anonymous).Head(); got.Seq != 19 {
		t.Errorf("the node reads %s", got.Position())
	}
	configstoretest.MustEqualReplay(t, node.Reader(auth.Anonymous), configstoretest.MustRead(t, base.Events))
}

// TestLockedAndTooFarBehind has another node write more than is read under the lock.
func TestLockedAndTooFarBehind(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	rounds := 0
	events := &overtaken{Store: base.Events}
	events.overtake = func() {
		if rounds++; rounds == 3 {
			for i := range eventstore.MaxMissed {
				base.MustSet(t, "b", fmt.Sprint(i))
			}
		}
		base.MustSet(t, "a", "foreign")
	}
	node := configstoretest.On(t, events, configstore.Options{})
	events.times = 3
	if got := node.MustSet(t, "a", "1"); got.Config.Version != 4 {
		t.Errorf("got version %d, want 4", got.Config.Version)
	}
	if want := []string{"append", "append", "lock", "lock"}; !slices.Equal(events.did, want) {
		t.Errorf("did %v, want %v", events.did, want)
	}
}

// TestLockedOnABrokenHistory has missed records that do not follow what is applied.
func TestLockedOnABrokenHistory(t *testing.T) {
	base := configstoretest.New(t, configstore.Options{})
	events := &overtaken{Store: forked{base.Events}, overtake: func() { base.MustSet(t, "a", "foreign") }}
	node := configstoretest.On(t, events, configstore.Options{})
	events.times = 3
	_, err := node.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "a", "1")))
	configstoretest.MustBeKind(t, err, fault.Unavailable, false)
	if broken := new(eventstore.ChainError); !errors.As(err, &broken) || broken.Seq != 3 {
		t.Errorf("got %v, want that the history is broken at position 3", err)
	}
	if history := configstoretest.MustRead(t, base.Events); len(history) != 3 {
		t.Errorf("%d events, want those of the others alone", len(history))
	}
}

// forked is an event store that has another history under the lock than for readers.
type forked struct{ eventstore.Store }

func (f forked) AppendLocked(ctx context.Context, after eventstore.Seq, decide eventstore.Decide) error {
	return f.Store.AppendLocked(ctx, after, func(head eventstore.Head, missed []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		missed = slices.Clone(missed)
		missed[0].Data += " "
		return decide(head, missed)
	})
}
