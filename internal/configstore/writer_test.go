package configstore_test

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
)

// epoch is when histories of these tests begin.
var epoch = time.Date(2026, 11, 22, 9, 10, 11, 123456000, time.UTC)

// call is a command on its way.
type call struct {
	done    chan struct{} // closed when there is an answer
	outcome configstore.Outcome
	err     error
}

func (c *call) isAnswered() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// start gives a command to a store. In a bubble it returns when the command is in the queue, or has its answer.
func start(ctx context.Context, store *configstoretest.Store, cmd config.Command) *call {
	c := &call{done: make(chan struct{})}
	go func() {
		defer close(c.done)
		c.outcome, c.err = store.Do(ctx, auth.Anonymous, cmd)
	}()
	synctest.Wait()
	return c
}

// startAll gives commands to a store, so that they are in the queue in their order.
func startAll(ctx context.Context, store *configstoretest.Store, cmds ...config.Command) []*call {
	calls := make([]*call, len(cmds))
	for i, cmd := range cmds {
		calls[i] = start(ctx, store, cmd)
	}
	return calls
}

// sizes returns how many records each append had.
func sizes(appends [][]eventstore.Record) (n []int) {
	for _, records := range appends {
		n = append(n, len(records))
	}
	return n
}

// TestGroupCommit has commands gather while an append is under way: they are in the next one, in their order, each with its own
// answer.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.hold()
		const waiting = 100
		first := start(t.Context(), store, set(t, "first", "0"))
		var calls []*call
		for i := range waiting {
			calls = append(calls, start(t.Context(), store, set(t, fmt.Sprintf("n%d", i%7), fmt.Sprint(i))))
		}
		if slices.ContainsFunc(append(calls, first), (*call).isAnswered) || len(events.sent()) != 1 {
			t.Fatalf("%d appends were sent while the first was under way, or somebody was answered", len(events.sent()))
		}
		release()
		synctest.Wait()
		if got := sizes(events.sent()); !slices.Equal(got, []int{1, waiting}) {
			t.Errorf("appends of %v, want one of 1 and one of %d", got, waiting)
		}
		for i, c := range calls {
			got := c.outcome
			if c.err != nil || !got.Changed || got.Config.Value.String() != fmt.Sprint(i) || got.Position.Seq != eventstore.Seq(i+2) {
				t.Errorf("call %d: got %q at position %s, %v", i, got.Config.Value, got.Position, c.err)
			}
			if got.Config.ChangeSet() != got.Position || got.Config.Position() != got.Position {
				t.Errorf("call %d: a single write is not a change set of one: %+v", i, got.Config)
			}
		}
		for _, r := range mustRead(t, events) {
			if r.Seq > 1 && !configstoretest.IsAfter(calls[r.Seq-2].outcome.Config, r) {
				t.Errorf("position %d: the history has another event than was answered", r.Seq)
			}
		}
	})
}

// TestCommandsOfOneBatch judges each command on what the ones before it lead to, and answers nobody before the append is done.
func TestCommandsOfOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		release := events.hold()
		name := configstoretest.Name(t, "a")
		unchanged := set(t, "a", "1")
		unchanged.OnlyIfChanged = true
		first := start(t.Context(), store, set(t, "first", "0"))
		calls := startAll(t.Context(), store,
			config.Delete{Name: name},      // there is none
			set(t, "a", "1"),               // version 1, position 2
			setAt(t, "a", "never", 0),      // there is one now
			unchanged,                      //
			setAt(t, "a", "2", 1),          // version 2, position 3
			config.Restore{Name: name},     // it is not deleted
			config.Delete{Name: name},      // version 3, position 4
			set(t, "a", "never"),           // it is deleted
			config.Restore{Name: name},     // version 4, position 5
			setAt(t, "other", "1", 0),      // position 6
			setAt(t, "other", "never", 99), //
		)
		release()
		synctest.Wait()
		if first.err != nil || !slices.Equal(sizes(events.sent()), []int{1, 5}) {
			t.Fatalf("appends of %v, first: %v", sizes(events.sent()), first.err)
		}
		for i, want := range []struct {
			kind     configstore.Kind // of the refusal; Internal: none
			version  config.Version   // that the config has then
			value    string
			position eventstore.Seq // of the outcome
			changed  bool
		}{
			{kind: configstore.NotFound},
			{version: 1, value: "1", position: 2, changed: true},
			{kind: configstore.VersionConflict, version: 1, value: "1"},
			{version: 1, value: "1", position: 2},
			{version: 2, value: "2", position: 3, changed: true},
			{kind: configstore.NotDeleted, version: 2, value: "2"},
			{version: 3, position: 4, changed: true},
			{kind: configstore.Deleted, version: 3},
			{version: 4, value: "2", position: 5, changed: true},
			{version: 1, value: "1", position: 6, changed: true},
			{kind: configstore.VersionConflict, version: 1, value: "1"},
		} {
			c := calls[i]
			if want.kind != configstore.Internal {
				var refusal *configstore.Refusal
				if !errors.As(c.err, &refusal) || configstore.KindOf(c.err) != want.kind {
					t.Errorf("command %d: got %+v, error %v, want kind %d", i, c.outcome, c.err, want.kind)
				} else if got := refusal.Current; got != nil && (got.Version != want.version || got.Value.String() != want.value) {
					t.Errorf("command %d: refused with %+v, want version %d with %q", i, got, want.version, want.value)
				}
				continue
			}
			if c.err != nil {
				t.Errorf("command %d: %v", i, c.err)
				continue
			}
			got := c.outcome.Config
			if got.Version != want.version || got.Value.String() != want.value || c.outcome.Position.Seq != want.position || c.outcome.Changed != want.changed {
				t.Errorf("command %d: got version %d with %q, outcome at %s, changed: %t; want %+v",
					i, got.Version, got.Value, c.outcome.Position, c.outcome.Changed, want)
			}
		}
	})
}

// TestRefusalsAreNotAnsweredWhenTheirBatchFails shows that nobody hears of events that did not happen: a refusal may rest on one.
func TestRefusalsAreNotAnsweredWhenTheirBatchFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := newFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		gate := make(chan struct{})
		events.become(hooks{append: func(context.Context, eventstore.Head, []eventstore.Record) error {
			<-gate
			return fmt.Errorf("the disk is full: %w", eventstore.ErrNotWritten)
		}})
		unchanged := set(t, "a", "1")
		unchanged.OnlyIfChanged = true
		calls := startAll(t.Context(), store, set(t, "first", "0"), set(t, "a", "1"), setAt(t, "a", "2", 0), unchanged)
		close(gate)
		synctest.Wait()
		for _, c := range calls {
			mustBeKind(t, c.err, configstore.Unavailable, false)
		}
		events.become(hooks{})
		if got := store.MustSet(t, "a", "later"); got.Position.Seq != 1 {
			t.Errorf("the next write is at position %s, want the first", got.Position)
		}
	})
}

// TestOneWinnerPerVersion races callers that expect the same version.
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
				_, err := store.Do(t.Context(), auth.Anonymous, setAt(t, "a", value, version))
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

// TestLimitsOfABatch has 12 commands wait, and looks at how many records each append has.
func TestLimitsOfABatch(t *testing.T) {
	large := strings.Repeat("v", 1000)
	for _, test := range []struct {
		what string
		opts configstore.Options
		cmd  func(t *testing.T, name string) config.Command
		want []int
	}{
		{"none in sight", configstore.Options{}, func(t *testing.T, name string) config.Command {
			return set(t, name, "v")
		}, []int{12}},
		{"commands", configstore.Options{BatchCommands: 5}, func(t *testing.T, name string) config.Command {
			return set(t, name, "v")
		}, []int{5, 5, 2}},
		{"one command", configstore.Options{BatchCommands: 1}, func(t *testing.T, name string) config.Command {
			return set(t, name, "v")
		}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
		{"bytes of values", configstore.Options{BatchBytes: 5000}, func(t *testing.T, name string) config.Command {
			return set(t, name, large+large)
		}, []int{2, 2, 2, 2, 2, 2}}, // 3,000 bytes each, with the old value
		{"bytes of old values", configstore.Options{BatchBytes: 5000}, func(t *testing.T, name string) config.Command {
			return config.Delete{Name: configstoretest.Name(t, name)}
		}, []int{5, 5, 2}},
		{"values larger than the limit", configstore.Options{BatchBytes: 10, BatchCommands: 3}, func(t *testing.T, name string) config.Command {
			return set(t, name, large)
		}, []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}},
	} {
		t.Run(test.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				events := newFaulty()
				store := configstoretest.On(t, events, test.opts)
				const waiting = 12
				for i := range waiting {
					store.MustSet(t, fmt.Sprintf("n%d", i), large)
				}
				before := len(events.sent())
				release := events.hold()
				calls := []*call{start(t.Context(), store, set(t, "first", "0"))}
				for i := range waiting {
					calls = append(calls, start(t.Context(), store, test.cmd(t, fmt.Sprintf("n%d", i))))
				}
				release()
				synctest.Wait()
				if got := sizes(events.sent()[before+1:]); !slices.Equal(got, test.want) {
					t.Errorf("appends of %v records, want %v", got, test.want)
				}
				for i, c := range calls {
					if want := eventstore.Seq(waiting + 1 + i); c.err != nil || c.outcome.Position.Seq != want {
						t.Errorf("command %d: got position %s, %v, want %d", i, c.outcome.Position, c.err, want)
					}
				}
			})
		})
	}
}

// TestTimesIncrease sets back the clock of the node.
func TestTimesIncrease(t *testing.T) {
	var clock atomic.Pointer[time.Time] // the node reads it at any time
	clock.Store(&epoch)
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
		now := epoch.Add(step.to).In(time.FixedZone("elsewhere", 3600))
		clock.Store(&now)
		store.MustSet(t, "a", "v")
		want = append(want, epoch.Add(step.want))
	}
	for i, r := range mustRead(t, store.Events) {
		if r.At != want[i] {
			t.Errorf("event %d: got %v, want %v", i, r.At, want[i])
		}
	}
}

// TestWhoAndWhy looks at what goes into the history besides the change.
func TestWhoAndWhy(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	why, err := config.ParseReason("because")
	if err != nil {
		t.Fatal(err)
	}
	cmd := set(t, "a", "1")
	cmd.Reason = why
	for _, caller := range []auth.Caller{{Name: "ann"}, auth.Anonymous} {
		if _, err := store.Do(t.Context(), caller, cmd); err != nil {
			t.Fatal(err)
		}
		cmd.Reason = config.Reason{}
	}
	got := mustRead(t, store.Events)
	if got[0].Actor == nil || *got[0].Actor != "ann" || got[0].Reason == nil || *got[0].Reason != "because" {
		t.Errorf("got actor %v, reason %v, want ann, because", got[0].Actor, got[0].Reason)
	}
	if got[1].Actor != nil || got[1].Reason != nil {
		t.Errorf("got actor %v, reason %v, want none", got[1].Actor, got[1].Reason)
	}
}

// recorder is an auditor that keeps what it hears.
type recorder struct {
	mu    sync.Mutex // guards heard
	heard []*eventstore.Revision
}

func (r *recorder) Record(change *eventstore.Revision) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heard = append(r.heard, change)
}

// TestAuditHearsOfChangesOfThisNode has two nodes write, and refuses some of their commands.
func TestAuditHearsOfChangesOfThisNode(t *testing.T) {
	var mine, other recorder
	store := configstoretest.New(t, configstore.Options{Audit: &mine})
	node := configstoretest.On(t, store.Events, configstore.Options{Audit: &other})
	var want []eventstore.Position
	for i := range 10 {
		want = append(want, store.MustSet(t, "a", fmt.Sprint(i)).Position)
		node.MustSet(t, "b", fmt.Sprint(i))
		if _, err := store.Do(t.Context(), auth.Anonymous, setAt(t, "a", "x", 0)); err == nil {
			t.Error("a command was not refused")
		}
	}
	if len(mine.heard) != len(want) || len(other.heard) != 10 {
		t.Fatalf("heard of %d and %d changes, want %d and 10", len(mine.heard), len(other.heard), len(want))
	}
	for i, r := range mine.heard {
		if r.Position() != want[i] {
			t.Errorf("change %d: heard of %s, want %s", i, r.Position(), want[i])
		}
	}
}
