package configstore_test

import (
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

// writeBenchHistory writes n events of 10,000 names in an order without a pattern; every tenth
// event is of the first name. One of two actors writes one event in 1000.
func writeBenchHistory(b *testing.B, events eventstore.Store, n int) {
	w, random := newHistoryWriter(b, events, benchNames), uint64(1)
	ci, ann := "ci", "ann"
	for i := range n {
		random = random*6364136223846793005 + 1442695040888963407
		name, actor := 0, &ci
		if i%10 > 0 {
			name = int(random >> 33 % benchNames)
		}
		if i%1000 == 999 {
			actor = &ann
		}
		w.set(name, strings.Repeat("v", 90)+strconv.Itoa(i), actor)
	}
	w.flush()
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
	team, names := mustFilter(b, "team-1"), mustFilter(b, "", longName(7), longName(99))
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
		"deletions of two names": {Configs: mustFilter(b, "", longName(0), longName(1)), Operations: deleted},
		"of two names by ann":    {Configs: names, Actor: &ann},
		"long ago":               {Since: new(configstoretest.Epoch.Add(time.Second)), Until: new(configstoretest.Epoch.Add(10 * time.Second))},
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
		name := configstoretest.Name(b, longName(0))
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
