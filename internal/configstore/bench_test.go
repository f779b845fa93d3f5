package configstore_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// benchEvents names the environment variable that says how long the history of BenchmarkPast is,
// 20,000 events by default.
const benchEvents = "CONFIGAPI_BENCH_EVENTS"

// benchNames is how many names the history of BenchmarkPast has. Every tenth event is of one of
// them.
const benchNames = 10_000

// BenchmarkPast measures reads of the past with all stores.
func BenchmarkPast(b *testing.B) {
	n := 20_000
	if text := os.Getenv(benchEvents); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for name, open := range stores {
		b.Run(name, func(b *testing.B) {
			events := open(b)
			writeBenchHistory(b, events, n)
			node := configstoretest.On(b, events, configstore.Options{})
			benchPast(b, node.Reader(auth.Anonymous), eventstore.Seq(n))
		})
	}
}

func benchName(i int) string { return fmt.Sprintf("team-%d/service-%d/timeout", i%100, i) }

// writeBenchHistory writes n events of 10,000 names in an order without a pattern; every tenth
// event is of the first name. One of two actors writes one event in 1000.
func writeBenchHistory(b *testing.B, events eventstore.Store, n int) {
	configs := make([]config.Aggregate, benchNames)
	for i := range configs {
		configs[i].Name = configstoretest.Name(b, benchName(i))
	}
	ci, ann := "ci", "ann"
	var chain eventstore.Chain
	var head eventstore.Head
	at, random := configstoretest.Epoch, uint64(1)
	for written := 0; written < n; {
		batch := make([]eventstore.Record, min(1000, n-written))
		for i := range batch {
			random = random*6364136223846793005 + 1442695040888963407
			c := &configs[0]
			if written%10 > 0 {
				c = &configs[random>>33%benchNames]
			}
			at, written = at.Add(time.Millisecond), written+1
			event, _, err := c.Decide(config.Set{Name: c.Name, Value: configstoretest.Value(b, strings.Repeat("v", 90)+strconv.Itoa(written))}, at)
			if err != nil {
				b.Fatal(err)
			}
			if *c, err = c.Apply(event); err != nil {
				b.Fatal(err)
			}
			stored := config.Encode(event)
			batch[i] = eventstore.Record{
				Name: c.Name.String(), Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion,
				Data: stored.Data, RecordedAt: at, Actor: &ci,
			}
			if written%1000 == 0 {
				batch[i].Actor = &ann
			}
		}
		next := chain.Seal(head, eventstore.AppendID{byte(written), byte(written >> 8), byte(written >> 16)}, batch)
		if err := events.Append(b.Context(), head, batch); err != nil {
			b.Fatal(err)
		}
		head = next
	}
}

func benchPast(b *testing.B, r *configstore.Reader, n eventstore.Seq) {
	for _, span := range []struct {
		name     string
		from, to eventstore.Seq
	}{
		{"100 events", n - 100, n}, {"100 events long ago", n / 2, n/2 + 100}, {"10,000 events", n - 10_000, n},
		{"10,000 events long ago", n / 2, n/2 + 10_000}, {"the two ends", n / 100, n}, {"two moments far apart", n / 10, n - n/10},
	} {
		q := configstore.DiffQuery{From: mustAsOf(b, r, span.from), To: mustAsOf(b, r, span.to)}
		b.Run("diff of "+span.name, func(b *testing.B) {
			b.Run("page of 100", func(b *testing.B) { benchDiff(b, r, q, 100, 1, false) })
			b.Run("page of 100 with changes", func(b *testing.B) { benchDiff(b, r, q, 100, 1, true) })
			b.Run("all", func(b *testing.B) { benchDiff(b, r, q, 500, 1000, false) })
			b.Run("count", func(b *testing.B) {
				for b.Loop() {
					if _, err := r.CountDiff(b.Context(), q); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
	ann, ci := "ann", "ci"
	team, names := mustFilter(b, "team-1"), mustFilter(b, "", benchName(7), benchName(99))
	deleted := []config.Operation{config.Deleted}
	for name, filter := range map[string]configstore.ChangeFilter{
		"all":                    {},
		"of a frequent actor":    {Actor: &ci},
		"of a rare actor":        {Actor: &ann},
		"deletions of an actor":  {Actor: &ci, Operations: deleted},
		"deletions":              {Operations: deleted},
		"of a prefix":            {Configs: team},
		"of an unknown prefix":   {Configs: mustFilter(b, "none")},
		"of two names":           {Configs: names},
		"deletions of two names": {Configs: mustFilter(b, "", benchName(0), benchName(1)), Operations: deleted},
		"of two names by ann":    {Configs: names, Actor: &ann},
		"long ago":               {Since: configstoretest.Epoch.Add(time.Second), Until: configstoretest.Epoch.Add(10 * time.Second)},
	} {
		b.Run("recent changes "+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := r.RecentChanges(b.Context(), filter, 0, 50); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("history of a name with a tenth of the events", func(b *testing.B) {
		name := configstoretest.Name(b, benchName(0))
		for b.Loop() {
			if _, _, err := r.History(b.Context(), name, config.Version(n/20), 50); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func mustFilter(t testing.TB, prefix string, names ...string) config.Filter {
	t.Helper()
	filter, err := config.ParseFilter(prefix, names)
	if err != nil {
		t.Fatal(err)
	}
	return filter
}

func mustAsOf(t testing.TB, r *configstore.Reader, at eventstore.Seq) *configstore.Snapshot {
	t.Helper()
	instant := configstoretest.Epoch.Add(time.Duration(at) * time.Millisecond)
	snapshot, err := r.AsOfTime(t.Context(), instant)
	if err != nil || snapshot.At().Seq != at {
		t.Fatalf("as of event %d: %v", at, err)
	}
	return snapshot
}

func benchDiff(b *testing.B, r *configstore.Reader, q configstore.DiffQuery, first, pages int, changes bool) {
	found := 0
	for b.Loop() {
		found = 0
		page := configstore.DiffPage{More: true}
		for n := 0; n < pages && page.More; n++ {
			var err error
			if page, err = r.Diff(b.Context(), q, page.End, first, changes); err != nil {
				b.Fatal(err)
			}
			found += len(page.Differences)
		}
	}
	b.ReportMetric(float64(found), "differences")
}
