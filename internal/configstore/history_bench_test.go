package configstore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
)

// BenchmarkHistory reads a history of 50,000 events of 500 names that is not in memory: pages of
// the history of one name, pages of changes, and a stream that catches up.
func BenchmarkHistory(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) { benchmarkHistory(b, stores[kind](b)) })
	}
}

func benchmarkHistory(b *testing.B, events eventstore.Store) {
	const all, names = 50_000, 500
	fillHistory(b, events, all, names)
	node := configstoretest.On(b, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	b.Run("history page of 50", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			name := configstoretest.Name(b, fmt.Sprintf("payments/service-%d/timeout", i*7%names))
			got, _, err := node.Reader(auth.Anonymous).History(b.Context(), name, 80, 50)
			if err != nil || len(got) != 50 {
				b.Fatal(len(got), err)
			}
		}
	})
	b.Run("changes page of 500", func(b *testing.B) {
		reader := node.Reader(auth.Anonymous)
		at := eventstore.Position{}
		for b.Loop() {
			got, err := reader.Changes(b.Context(), at, config.Filter{}, 500)
			if err != nil || len(got.Revisions) == 0 {
				b.Fatal(err)
			}
			if at = got.Position; got.CaughtUp {
				at = eventstore.Position{}
			}
		}
	})
	b.Run("catch-up", func(b *testing.B) {
		n := 0
		for b.Loop() {
			watch, err := node.Watch(b.Context(), auth.Anonymous, config.Filter{}, &eventstore.Position{})
			if err != nil {
				b.Fatal(err)
			}
			for at := eventstore.Seq(0); at < all; {
				m, err := watch.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				at = m.Position.Seq
				n += len(m.Revisions)
			}
		}
		b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
	})
}

func fillHistory(b *testing.B, events eventstore.Store, all, names int) {
	var head eventstore.Head
	chain := new(eventstore.Chain)
	states := make([]config.Aggregate, names)
	for i := range states {
		states[i].Name = configstoretest.Name(b, fmt.Sprintf("payments/service-%d/timeout", i))
	}
	for n := 0; n < all; {
		records := make([]eventstore.Record, 0, 1000)
		for range 1000 {
			state := &states[n*31%names]
			at := time.UnixMicro(1_700_000_000_000_000 + int64(n)).UTC()
			value := configstoretest.Value(b, fmt.Sprint(n, strings.Repeat("v", 90)))
			event, _, err := state.Decide(config.Set{Name: state.Name, Value: value}, at)
			if err != nil {
				b.Fatal(err)
			}
			if *state, err = state.Apply(event); err != nil {
				b.Fatal(err)
			}
			stored := config.Encode(event)
			records = append(records, eventstore.Record{Name: state.Name.String(), Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data, RecordedAt: at})
			n++
		}
		before := head
		head = chain.Seal(before, eventstore.AppendID{byte(n), byte(n >> 8), byte(n >> 16)}, records)
		if err := events.Append(b.Context(), before, records); err != nil {
			b.Fatal(err)
		}
	}
}
