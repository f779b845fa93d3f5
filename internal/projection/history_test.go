package projection_test

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// history makes records as a writer would, and keeps the states that they lead to.
type history struct {
	t       testing.TB
	chain   eventstore.Chain
	head    eventstore.Head
	states  map[string]config.Aggregate // :: name → state after the newest record
	records []eventstore.Record
}

func newHistory(t testing.TB) *history {
	return &history{t: t, states: make(map[string]config.Aggregate)}
}

// fork returns a history with the same past and another future.
func (h *history) fork() *history {
	return &history{t: h.t, head: h.head, states: maps.Clone(h.states), records: h.records[:len(h.records):len(h.records)]}
}

// commit makes one change set of commands, which must not be refused, and returns its records.
func (h *history) commit(commands ...config.Command) []eventstore.Record {
	h.t.Helper()
	records := make([]eventstore.Record, len(commands))
	for i, cmd := range commands {
		at := h.head.RecordedAt.Add(time.Duration(1+i) * time.Microsecond)
		name := cmd.Target()
		before := h.states[name.String()]
		before.Name = name
		event, _, err := before.Decide(cmd, at)
		if err != nil {
			h.t.Fatalf("%+v: %v", cmd, err)
		}
		if h.states[name.String()], err = before.Apply(event); err != nil {
			h.t.Fatal(err)
		}
		stored := config.Encode(event)
		records[i] = eventstore.Record{
			Name: name.String(), Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion,
			Data: stored.Data, RecordedAt: at, ChangeSet: h.head.Seq + eventstore.Seq(len(commands)),
		}
	}
	h.seal(records)
	return records
}

// seal makes records follow the head, and the newest of them the head.
func (h *history) seal(records []eventstore.Record) {
	var id eventstore.AppendID
	_, _ = rand.Read(id[:])
	h.head = h.chain.Seal(h.head, id, records)
	h.records = append(h.records, records...)
}

func (h *history) set(name, value string) []eventstore.Record {
	h.t.Helper()
	return h.commit(set(h.t, name, value))
}

func set(t testing.TB, name, value string) config.Command {
	t.Helper()
	return config.Set{Name: mustName(t, name), Value: mustValue(t, value)}
}

func remove(t testing.TB, name string) config.Command {
	t.Helper()
	return config.Delete{Name: mustName(t, name)}
}

func mustName(t testing.TB, text string) config.Name {
	t.Helper()
	name, err := config.ParseName(text)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func mustValue(t testing.TB, text string) config.Value {
	t.Helper()
	value, err := config.ParseValue(text, config.DefaultMaxValueBytes)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func mustDecode(t testing.TB, records []eventstore.Record) []*eventstore.Revision {
	t.Helper()
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		t.Fatal(err)
	}
	return revisions
}

// mustShow fails unless a view shows exactly the states of the history.
func (h *history) mustShow(view *projection.View) {
	h.t.Helper()
	if got := view.Head(); got != h.head {
		h.t.Fatalf("the view is at %s, want %s", got.Position(), h.head.Position())
	}
	existing, want := 0, maps.Clone(h.states)
	view.Ascend(config.Filter{}, "", func(c *projection.Config) bool {
		name := c.Name.String()
		state := want[name]
		if state.Deleted { // a view has no values of deleted configs
			state.Value = config.Value{}
		}
		if got := c.Aggregate(); got != state {
			h.t.Errorf("%s: got %+v, want %+v", name, got, state)
		}
		if c.Exists() {
			existing++
		}
		if view.Get(c.Name) != c {
			h.t.Errorf("%s: Get and Ascend differ", name)
		}
		delete(want, name)
		return true
	})
	if len(want) > 0 || view.Count(config.Filter{}) != existing {
		h.t.Errorf("not in the view: %v; Count of all = %d, want %d", want, view.Count(config.Filter{}), existing)
	}
}

// listener is a publisher that keeps what is published.
type listener struct {
	begun  eventstore.Head
	heard  []*eventstore.Revision
	onHear func([]*eventstore.Revision) // called after each Publish unless nil
}

func (l *listener) Begin(head eventstore.Head) { l.begun = head }

func (l *listener) Publish(revisions []*eventstore.Revision) {
	l.heard = append(l.heard, revisions...)
	if l.onHear != nil {
		l.onHear(revisions)
	}
}

// faulty is an event store whose operations can be replaced. A nil field is the operation of the
// real store.
type faulty struct {
	mu sync.Mutex // guards what is below
	operations
}

type operations struct {
	real projection.Source
	head func(context.Context) (eventstore.Head, error)
	read func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error)
	wait func(context.Context, eventstore.Seq) error
	// newest is EachNewest.
	newest func(context.Context, eventstore.Head, func([]eventstore.Newest) error) error
}

// become replaces the operations.
func (f *faulty) become(o operations) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.operations = o
}

func (f *faulty) present() operations {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.operations
}

func (f *faulty) Head(ctx context.Context) (eventstore.Head, error) {
	now := f.present()
	if now.head != nil {
		return now.head(ctx)
	}
	return now.real.Head(ctx)
}

func (f *faulty) Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	now := f.present()
	if now.read != nil {
		return now.read(ctx, after, limit)
	}
	return now.real.Read(ctx, after, limit)
}

func (f *faulty) EachNewest(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error {
	now := f.present()
	if now.newest != nil {
		return now.newest(ctx, basis, yield)
	}
	return now.real.EachNewest(ctx, basis, yield)
}

func (f *faulty) Wait(ctx context.Context, after eventstore.Seq) error {
	now := f.present()
	if now.wait != nil {
		return now.wait(ctx, after)
	}
	return now.real.Wait(ctx, after)
}
