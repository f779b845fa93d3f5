package feed_test

import (
	"context"
	"crypto/rand"
	"slices"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
)

// history is a writer that commits to the event store first and then publishes to the feed.
type history struct {
	t         testing.TB
	store     *memory.Store
	feed      *feed.Feed
	chain     eventstore.Chain
	head      eventstore.Head
	revisions []*eventstore.Revision
	newest    map[string]*eventstore.Revision // :: name → its newest revision
}

func newHistory(t testing.TB, opts feed.Options) *history {
	return &history{t: t, store: memory.New(), feed: feed.New(opts), newest: make(map[string]*eventstore.Revision)}
}

// append writes one change set of n events with the same value, and returns what to publish.
func (h *history) append(n int, value string) []*eventstore.Revision {
	h.t.Helper()
	return h.appendSet(value, slices.Repeat([]string{"n"}, n)...)
}

// appendNamed is append with one event for each name.
func (h *history) appendNamed(names ...string) []*eventstore.Revision {
	h.t.Helper()
	return h.appendSet("v", names...)
}

func (h *history) appendSet(value string, names ...string) []*eventstore.Revision {
	h.t.Helper()
	n := len(names)
	v, err := config.ParseValue(value, len(value))
	if err != nil {
		h.t.Fatal(err)
	}
	records := make([]eventstore.Record, n)
	versions := make(map[string]config.Version)
	for i := range records {
		name, err := config.ParseName(names[i])
		if err != nil {
			h.t.Fatal(err)
		}
		if before := h.newest[names[i]]; before != nil {
			versions[names[i]] = max(versions[names[i]], before.Version)
		}
		versions[names[i]]++
		at := h.head.RecordedAt.Add(time.Duration(1+i) * time.Microsecond)
		stored := config.Encode(config.Event{Type: config.ValueSet, Name: name, Version: versions[names[i]], Value: v})
		records[i] = eventstore.Record{
			Name: names[i], Version: int(versions[names[i]]), Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
			RecordedAt: at, ChangeSet: h.head.Seq + eventstore.Seq(n),
		}
	}
	var id eventstore.AppendID
	_, _ = rand.Read(id[:])
	expected := h.head
	h.head = h.chain.Seal(expected, id, records)
	if err := h.store.Append(context.Background(), expected, records); err != nil {
		h.t.Fatal(err)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, r := range revisions {
		if before := h.newest[r.Name.String()]; before != nil {
			r.OldValue = before.Value
		}
		h.newest[r.Name.String()] = r
	}
	h.revisions = append(h.revisions, revisions...)
	return revisions
}

// commit writes and publishes change sets of the given sizes.
func (h *history) commit(sizes ...int) {
	h.t.Helper()
	for _, n := range sizes {
		h.feed.Publish(h.append(n, "v"))
	}
}

func (h *history) cursor(after eventstore.Seq) *feed.Cursor {
	if after == 0 {
		return h.feed.Cursor(h.store, eventstore.Head{})
	}
	return h.feed.Cursor(h.store, h.revisions[after-1].Head())
}

// faulty is an event store whose reads can be made to fail, but for those of old values.
type faulty struct {
	eventstore.VersionReader
	read func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error)
}

func (f faulty) ReadHistory(ctx context.Context, _ eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	return f.read(ctx, after, limit)
}
