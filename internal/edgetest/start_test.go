package edgetest_test

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// silent is a publisher that nobody listens to.
type silent struct{}

func (silent) Begin(eventstore.Head)          {}
func (silent) Publish([]*eventstore.Revision) {}

// started is what a start makes of a history.
type started struct {
	loaded bool // the state, instead of being replayed
	head   eventstore.Head
	count  int
	states []projection.Config
}

func begin(t *rapid.T, events eventstore.Store, opts projection.Options) (s started) {
	opts.Loaded = func(eventstore.Head) { s.loaded = true }
	p := projection.New(silent{})
	if err := projection.NewFollower(p, events, opts).CatchUp(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.head, s.count = p.View().Head(), p.View().Count(config.Filter{})
	p.View().Ascend(config.Filter{}, "", func(c *projection.Config) bool {
		s.states = append(s.states, *c)
		return true
	})
	return s
}

// changes are random change sets: sets, deletions and restores of few names, with and without an
// actor and a reason.
type changes struct {
	head    eventstore.Head
	states  map[string]config.Aggregate // :: name → state after the newest record
	records []eventstore.Record
	chain   eventstore.Chain
}

func (c *changes) add(t *rapid.T) {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "a/b", "a-b", "B", "hot"}), 1, 4, rapid.ID).Draw(t, "names")
	end := c.head.Seq + eventstore.Seq(len(names))
	var set []eventstore.Record
	for i, text := range names {
		at := c.head.RecordedAt.Add(time.Duration(i+1) * time.Microsecond)
		event := c.change(t, text, at)
		stored := config.Encode(event)
		set = append(set, eventstore.Record{
			Name: text, Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
			RecordedAt: at, ChangeSet: end,
			Actor:  rapid.Ptr(rapid.SampledFrom([]string{"", "ann", "ben"}), true).Draw(t, "actor"),
			Reason: rapid.Ptr(rapid.SampledFrom([]string{"", "why"}), true).Draw(t, "reason"),
		})
	}
	c.head = c.chain.Seal(c.head, eventstore.AppendID{byte(end), byte(end >> 8)}, set)
	c.records = append(c.records, set...)
}

// change makes one random change of a name, and returns its event.
func (c *changes) change(t *rapid.T, text string, at time.Time) config.Event {
	name, err := config.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	state := c.states[text]
	state.Name = name
	value, err := config.ParseValue(rapid.StringMatching(`[a-z]{0,8}`).Draw(t, "value"), 100)
	if err != nil {
		t.Fatal(err)
	}
	var cmd config.Command = config.Set{Name: name, Value: value}
	switch {
	case state.Deleted:
		cmd = config.Restore{Name: name}
	case state.Version > 0 && rapid.IntRange(0, 3).Draw(t, "deletes") == 0:
		cmd = config.Delete{Name: name}
	}
	event, _, err := state.Decide(cmd, at)
	if err == nil {
		c.states[text], err = state.Apply(event)
	}
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// TestStartWithoutThePast compares a loaded state with that of a replay of the same history.
func TestStartWithoutThePast(t *testing.T) {
	for kind, open := range stores {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			empty := func() eventstore.Store { return open(t) }
			if tables, has := databases[kind]; has {
				d := tables(t)
				empty = func() eventstore.Store {
					d.rewrite(t, 0, nil, eventstore.Head{})
					return d
				}
			}
			checks, loads := 0, 0
			rapid.Check(t, func(rt *rapid.T) {
				history := &changes{head: eventstore.Head{RecordedAt: configstoretest.Epoch}, states: make(map[string]config.Aggregate)}
				for range rapid.IntRange(5, 60).Draw(rt, "change sets") {
					history.add(rt)
				}
				events := empty()
				if err := events.Append(t.Context(), eventstore.Head{}, history.records); err != nil {
					rt.Fatal(err)
				}
				got := begin(rt, events, projection.Options{
					RecentEvents: rapid.IntRange(1, 20).Draw(rt, "recent events"), PageSize: rapid.IntRange(1, 7).Draw(rt, "page size"),
				})
				want := begin(rt, events, projection.Options{Replay: true})
				if checks++; got.loaded {
					loads++
				}
				if got.loaded = false; !reflect.DeepEqual(got, want) {
					rt.Fatalf("at %d: got\n%+v, want\n%+v", history.head.Seq, got, want)
				}
			})
			if loads < checks/4 {
				t.Errorf("%d of %d starts have loaded their state", loads, checks)
			}
		})
	}
}

// gated is a database whose reads of users wait until the gate is opened.
type gated struct {
	eventstore.Store
	open chan struct{}
}

func (g gated) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	select {
	case <-g.open:
		return g.Store.ReadHistory(ctx, basis, after, limit)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// TestVerifiedBehind edits an old event while no node runs. The next one serves the history, finds
// the edit behind, and then serves nothing until the event is put back.
func TestVerifiedBehind(t *testing.T) {
	for kind, open := range databases {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			written := startNode(t, d)
			for i := range 60 {
				written.MustSet(t, fmt.Sprintf("n%d", i%2), fmt.Sprint(i))
			}
			original := mustRead(t, d, 4)[0].Data
			edit := func(data string) {
				t.Helper()
				if _, err := d.sql.ExecContext(t.Context(), `update events set data = $1 where position = 5`, data); err != nil {
					t.Fatal(err)
				}
			}
			edit(strings.ReplaceAll(original, "4", "9"))

			events := d.Store
			gate := make(chan struct{})
			d.Store = gated{events, gate}
			n := startFollowing(t, d, projection.Options{RecentEvents: 5})
			if status, answer := n.ask(t, "GET /health", "", ""); status != http.StatusOK || !strings.Contains(answer, `"verified":"0-00000000"`) {
				t.Errorf("/health: got %d %s, want nothing to be verified", status, answer)
			}
			if status, answer := n.ask(t, "GET /config/n1", "", ""); status != http.StatusOK || answer != "59" {
				t.Errorf("served: got %d %s", status, answer)
			}
			n.MustSet(t, "n0", "60")
			conn := n.stream(t)
			held, err := n.Watch(t.Context(), auth.Anonymous, config.Filter{}, nil)
			if err != nil {
				t.Fatal(err)
			}

			close(gate)
			mustBeClosed(t, conn)
			const reason = "the history is broken at position 5"
			n.mustBecome(t, http.StatusServiceUnavailable, reason)
			if status, answer := n.ask(t, "GET /health", "", ""); status != http.StatusServiceUnavailable || strings.Contains(answer, reason) {
				t.Errorf("/health: got %d %s", status, answer)
			}
			for _, request := range []string{"GET /config/n0", "PUT /config/n0"} {
				status, answer := n.ask(t, request, jsonType, `{"value":"x"}`)
				if status != http.StatusServiceUnavailable || !strings.Contains(answer, reason) {
					t.Errorf("%s: got %d %s, want that nothing is served", request, status, answer)
				}
			}
			for err == nil { // the streams end just after new readers are refused
				_, err = held.Next(t.Context())
			}
			if fault.KindOf(err) != fault.Unavailable || fault.Message(err) != fault.ErrBroken.Error() {
				t.Errorf("a stream: got %v", err)
			}
			_, err = n.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, "n0", "x")))
			configstoretest.MustBeKind(t, err, fault.Unavailable, false)

			edit(original)
			n.mustBecome(t, http.StatusOK, "OK")
			head := n.Reader(auth.Anonymous).Head()
			if got := n.Health(t.Context()); got.Verified != head.Position() || head.Seq != 61 {
				t.Errorf("afterwards: got %+v, want all of 61 to be verified", got)
			}
			wantReplay(t, n.Store)
		})
	}
}

// mustBecome waits for an answer of /readyz.
func (n node) mustBecome(t *testing.T, status int, text string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		got, answer := n.ask(t, "GET /readyz", "", "")
		if got == status && strings.Contains(answer, text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("/readyz: got %d %s, want %d %q", got, answer, status, text)
		}
	}
}
