package writer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/writer"
)

// sizes returns how many records each append had.
func sizes(appends [][]eventstore.Record) (n []int) {
	for _, records := range appends {
		n = append(n, len(records))
	}
	return n
}

// TestGroupCommit queues commands while an append is under way: they are in the next one, in their
// order, each with its own answer.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.HoldAppends()
		const waiting = 100
		first := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")))
		var calls []*configstoretest.Call
		for i := range waiting {
			calls = append(calls, configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, fmt.Sprintf("n%d", i%7), fmt.Sprint(i)))))
		}
		if slices.ContainsFunc(append(calls, first), (*configstoretest.Call).IsAnswered) || len(events.Appends()) != 1 {
			t.Fatalf("%d appends were sent while the first was under way, or a command was answered", len(events.Appends()))
		}
		release()
		synctest.Wait()
		if got := sizes(events.Appends()); !slices.Equal(got, []int{1, waiting}) {
			t.Errorf("appends of %v, want one of 1 and one of %d", got, waiting)
		}
		for i, c := range calls {
			got := c.Outcome
			if c.Err != nil || !got.Changed || got.Config.Value.String() != fmt.Sprint(i) || got.Position.Seq != eventstore.Seq(i+2) {
				t.Errorf("call %d: got %q at position %s, %v", i, got.Config.Value, got.Position, c.Err)
			}
			if got.Config.ChangeSet() != got.Position || got.Config.Position() != got.Position {
				t.Errorf("call %d: a single write is not a change set of one: %+v", i, got.Config)
			}
		}
		for _, r := range configstoretest.MustRead(t, events) {
			if r.Seq > 1 && !configstoretest.IsAfter(calls[r.Seq-2].Outcome.Config, r) {
				t.Errorf("position %d: the history has another event than was answered", r.Seq)
			}
		}
	})
}

// TestCommandsOfOneBatch decides each command on the state that the ones before it lead to. No
// command is answered before the append is done.
func TestCommandsOfOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.HoldAppends()
		name := configstoretest.Name(t, "a")
		unchanged := configstoretest.Set(t, "a", "1")
		unchanged.OnlyIfChanged = true
		first := configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")))
		calls := configstoretest.StartAll(t.Context(), store,
			config.Single(config.Delete{Name: name}),                      // there is none
			config.Single(configstoretest.Set(t, "a", "1")),               // version 1, position 2
			config.Single(configstoretest.SetAt(t, "a", "never", 0)),      // there is one now
			config.Single(unchanged),                                      //
			config.Single(configstoretest.SetAt(t, "a", "2", 1)),          // version 2, position 3
			config.Single(config.Restore{Name: name}),                     // it is not deleted
			config.Single(config.Delete{Name: name}),                      // version 3, position 4
			config.Single(configstoretest.Set(t, "a", "never")),           // it is deleted
			config.Single(config.Restore{Name: name}),                     // version 4, position 5
			config.Single(configstoretest.SetAt(t, "other", "1", 0)),      // position 6
			config.Single(configstoretest.SetAt(t, "other", "never", 99)), //
		)
		release()
		synctest.Wait()
		if first.Err != nil || !slices.Equal(sizes(events.Appends()), []int{1, 5}) {
			t.Fatalf("appends of %v, first: %v", sizes(events.Appends()), first.Err)
		}
		for i, want := range []struct {
			kind     fault.Kind     // of the refusal; Internal: none
			version  config.Version // that the config has then
			value    string
			position eventstore.Seq // of the outcome
			changed  bool
		}{
			{kind: fault.NotFound},
			{version: 1, value: "1", position: 2, changed: true},
			{kind: fault.VersionConflict, version: 1, value: "1"},
			{version: 1, value: "1", position: 2},
			{version: 2, value: "2", position: 3, changed: true},
			{kind: fault.NotDeleted, version: 2, value: "2"},
			{version: 3, position: 4, changed: true},
			{kind: fault.Deleted, version: 3},
			{version: 4, value: "2", position: 5, changed: true},
			{version: 1, value: "1", position: 6, changed: true},
			{kind: fault.VersionConflict, version: 1, value: "1"},
		} {
			c := calls[i]
			if want.kind != fault.Internal {
				var refusal *fault.Refusal
				if !errors.As(c.Err, &refusal) || fault.KindOf(c.Err) != want.kind {
					t.Errorf("command %d: got %+v, error %v, want kind %d", i, c.Outcome, c.Err, want.kind)
				} else if got := refusal.Current; got != nil && (got.Version != want.version || got.Value.String() != want.value) {
					t.Errorf("command %d: refused with %+v, want version %d with %q", i, got, want.version, want.value)
				}
				continue
			}
			if c.Err != nil {
				t.Errorf("command %d: %v", i, c.Err)
				continue
			}
			got := c.Outcome.Config
			if got.Version != want.version || got.Value.String() != want.value || c.Outcome.Position.Seq != want.position || c.Outcome.Changed != want.changed {
				t.Errorf("command %d: got version %d with %q, outcome at %s, changed: %t; want %+v",
					i, got.Version, got.Value, c.Outcome.Position, c.Outcome.Changed, want)
			}
		}
	})
}

// TestRefusalsAreNotAnsweredWhenTheirBatchFails shows that no caller is answered with events that
// were not written: a refusal may rest on one.
func TestRefusalsAreNotAnsweredWhenTheirBatchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := make(chan struct{})
		events.SetHooks(configstoretest.Hooks{Append: func(context.Context, eventstore.Head, []eventstore.Record) error {
			<-release
			return fmt.Errorf("the disk is full: %w", eventstore.ErrNotWritten)
		}})
		unchanged := configstoretest.Set(t, "a", "1")
		unchanged.OnlyIfChanged = true
		calls := configstoretest.StartAll(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")), config.Single(configstoretest.Set(t, "a", "1")), config.Single(configstoretest.SetAt(t, "a", "2", 0)), config.Single(unchanged))
		close(release)
		synctest.Wait()
		for _, c := range calls {
			configstoretest.MustBeKind(t, c.Err, fault.Unavailable, false)
		}
		events.SetHooks(configstoretest.Hooks{})
		if got := store.MustSet(t, "a", "later"); got.Position.Seq != 1 {
			t.Errorf("the next write is at position %s, want the first", got.Position)
		}
	})
}

// TestOneWinnerPerVersion has callers race that expect the same version.
func TestOneWinnerPerVersion(t *testing.T) {
	const callers, versions = 16, 25
	store := configstoretest.New(t, configstore.Options{})
	for version := range config.Version(versions) {
		var racing sync.WaitGroup
		var mu sync.Mutex
		var winners []string
		for i := range callers {
			racing.Go(func() {
				value := fmt.Sprintf("%d by %d", version, i)
				_, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.SetAt(t, "a", value, version)))
				var conflict *config.VersionConflictError
				switch {
				case err == nil:
					mu.Lock()
					winners = append(winners, value)
					mu.Unlock()
				case !errors.As(err, &conflict) || conflict.Expected != version || conflict.Actual != version+1:
					t.Errorf("version %d: %v", version, err)
				}
			})
		}
		racing.Wait()
		got := store.Reader(auth.Anonymous).Config(configstoretest.Name(t, "a"))
		if len(winners) != 1 || got.Value.String() != winners[0] || got.Version != version+1 {
			t.Fatalf("version %d: %q won; the config has version %d with %q", version, winners, got.Version, got.Value)
		}
	}
}

// TestLimitsOfABatch queues 12 commands, and counts the records of each append.
func TestLimitsOfABatch(t *testing.T) {
	large := strings.Repeat("v", 1000)
	for _, test := range []struct {
		what string
		opts configstore.Options
		cmd  func(t *testing.T, name string) config.Command
		want []int
	}{
		{"the defaults", configstore.Options{}, func(t *testing.T, name string) config.Command {
			return configstoretest.Set(t, name, "v")
		}, []int{12}},
		{"commands", configstore.Options{Writer: writer.Options{BatchCommands: 5}}, func(t *testing.T, name string) config.Command {
			return configstoretest.Set(t, name, "v")
		}, []int{5, 5, 2}},
		{"one command", configstore.Options{Writer: writer.Options{BatchCommands: 1}}, func(t *testing.T, name string) config.Command {
			return configstoretest.Set(t, name, "v")
		}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"bytes of values", configstore.Options{Writer: writer.Options{BatchBytes: 5000}}, func(t *testing.T, name string) config.Command {
			return configstoretest.Set(t, name, large+large)
		}, []int{2, 2, 2, 2, 2, 2}}, // 3,000 bytes each, with the old value
		{"bytes of old values", configstore.Options{Writer: writer.Options{BatchBytes: 5000}}, func(t *testing.T, name string) config.Command {
			return config.Delete{Name: configstoretest.Name(t, name)}
		}, []int{5, 5, 2}},
		{"values larger than the limit", configstore.Options{Writer: writer.Options{BatchBytes: 10, BatchCommands: 3}}, func(t *testing.T, name string) config.Command {
			return configstoretest.Set(t, name, large)
		}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := configstoretest.NewFaulty()
				store := configstoretest.On(t, events, test.opts)
				const waiting = 12
				for i := range waiting {
					store.MustSet(t, fmt.Sprintf("n%d", i), large)
				}
				before := len(events.Appends())
				release := events.HoldAppends()
				calls := []*configstoretest.Call{configstoretest.Start(t.Context(), store, config.Single(configstoretest.Set(t, "first", "0")))}
				for i := range waiting {
					calls = append(calls, configstoretest.Start(t.Context(), store, config.Single(test.cmd(t, fmt.Sprintf("n%d", i)))))
				}
				release()
				synctest.Wait()
				if got := sizes(events.Appends()[before+1:]); !slices.Equal(got, test.want) {
					t.Errorf("appends of %v records, want %v", got, test.want)
				}
				for i, c := range calls {
					if want := eventstore.Seq(waiting + 1 + i); c.Err != nil || c.Outcome.Position.Seq != want {
						t.Errorf("command %d: got position %s, %v, want %d", i, c.Outcome.Position, c.Err, want)
					}
				}
			})
		})
	}
}

// TestTimesIncrease sets the clock of the node back.
func TestTimesIncrease(t *testing.T) {
	var clock atomic.Pointer[time.Time] // the node reads it concurrently
	clock.Store(&configstoretest.Epoch)
	store := configstoretest.New(t, configstore.Options{Now: func() time.Time { return *clock.Load() }})
	var want []time.Time
	for _, step := range []struct{ to, want time.Duration }{
		{0, 0},
		{time.Second, time.Second},
		{-time.Hour, time.Second + time.Microsecond},
		{time.Second, time.Second + 2*time.Microsecond},
		{2*time.Second + 999, 2 * time.Second}, // cut to microseconds
		{2*time.Second + 1001, 2*time.Second + time.Microsecond},
	} {
		now := configstoretest.Epoch.Add(step.to).In(time.FixedZone("elsewhere", 3600))
		clock.Store(&now)
		store.MustSet(t, "a", "v")
		want = append(want, configstoretest.Epoch.Add(step.want))
	}
	for i, r := range configstoretest.MustRead(t, store.Events) {
		if r.At != want[i] {
			t.Errorf("event %d: got %v, want %v", i, r.At, want[i])
		}
	}
}

// TestActorAndReason reads what the history has besides the change.
func TestActorAndReason(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	why, err := config.ParseReason("because")
	if err != nil {
		t.Fatal(err)
	}
	set := config.Single(configstoretest.Set(t, "a", "1"))
	set.Reason = why
	for _, caller := range []auth.Caller{{Name: "ann", Grants: auth.Everything}, auth.Anonymous} {
		if _, err := store.Do(t.Context(), caller, set); err != nil {
			t.Fatal(err)
		}
		set.Reason = config.Reason{}
	}
	got := configstoretest.MustRead(t, store.Events)
	if got[0].Actor == nil || *got[0].Actor != "ann" || got[0].Reason == nil || *got[0].Reason != "because" {
		t.Errorf("got actor %v, reason %v, want ann, because", got[0].Actor, got[0].Reason)
	}
	if got[1].Actor != nil || got[1].Reason != nil {
		t.Errorf("got actor %v, reason %v, want none", got[1].Actor, got[1].Reason)
	}
}

// recorder is an auditor that keeps the changes.
type recorder struct {
	mu      sync.Mutex // guards changes
	changes []*eventstore.Revision
}

func (r *recorder) Record(change *eventstore.Revision, _ string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes = append(r.changes, change)
}

// TestAuditRecordsChangesOfThisNode has two nodes write, and refuse some commands.
func TestAuditRecordsChangesOfThisNode(t *testing.T) {
	var mine, other recorder
	store := configstoretest.New(t, configstore.Options{Writer: writer.Options{Audit: &mine}})
	node := configstoretest.On(t, store.Events, configstore.Options{Writer: writer.Options{Audit: &other}})
	var want []eventstore.Position
	for i := range 10 {
		want = append(want, store.MustSet(t, "a", fmt.Sprint(i)).Position)
		node.MustSet(t, "b", fmt.Sprint(i))
		if _, err := store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.SetAt(t, "a", "x", 0))); err == nil {
			t.Error("a command was not refused")
		}
	}
	if len(mine.changes) != len(want) || len(other.changes) != 10 {
		t.Fatalf("recorded %d and %d changes, want %d and 10", len(mine.changes), len(other.changes), len(want))
	}
	for i, r := range mine.changes {
		if r.Position() != want[i] {
			t.Errorf("change %d: recorded %s, want %s", i, r.Position(), want[i])
		}
	}
}
