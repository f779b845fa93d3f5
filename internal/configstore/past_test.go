package configstore_test

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// past is a node with a history of every kind of change, and the history itself, in which all
// answers are searched.
type past struct {
	*testing.T
	history []*eventstore.Revision
	readers []*configstore.Reader // made at several positions
}

// pastNames are names below prefixes that can be compared, and their neighbours.
var pastNames = []string{"a", "a-b", "a/b", "a/b/c", "a0", "b", "b-b", "b/b", "b/x", "b/b/c", "c"}

// newPast writes a history of n events or a few more.
func newPast(t *testing.T, events eventstore.Store, n int) *past {
	seed := rand.Uint64()
	t.Logf("the seed of the history is %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	node := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 4}})
	p := &past{T: t}
	var m model // only of what it needs to append change sets
	for head := 0; head < n; head = len(m.events) {
		if random.IntN(10) == 0 {
			p.readers = append(p.readers, node.Reader(auth.Anonymous))
		}
		if free := m.notDeleted(pastNames); random.IntN(8) == 0 && len(free) > 0 {
			random.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
			m.appendSet(t, events, free[:1+random.IntN(len(free))], time.Now().UTC().Truncate(time.Microsecond))
			records := mustReadAfter(t, events, head)
			configstoretest.MustReach(t, node, eventstore.NewPosition(records[len(records)-1].Seq, records[len(records)-1].Hash))
			continue
		}
		cmd := randomCommand(t, random)
		_, _ = node.Do(t.Context(), auth.Caller{Name: []string{"", "ann", "bob"}[random.IntN(3)], Grants: auth.Everything}, config.Single(cmd))
		for _, r := range mustReadAfter(t, events, head) {
			e, err := eventstore.Decode(&r)
			if err != nil {
				t.Fatal(err)
			}
			m.events = append(m.events, modelEvent{
				name: r.Name, value: e.Value.String(), version: r.Version, operation: e.Operation(), at: e.At, set: int(r.Seq),
			})
		}
	}
	p.history = configstoretest.MustRead(t, events)
	p.readers = append(p.readers, node.Reader(auth.Anonymous))
	return p
}

func mustReadAfter(t *testing.T, events eventstore.Store, after int) []eventstore.Record {
	t.Helper()
	records, err := events.Read(t.Context(), eventstore.Seq(after), eventstore.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func randomCommand(t *testing.T, random *rand.Rand) config.Command {
	name := configstoretest.Name(t, pastNames[random.IntN(len(pastNames))])
	switch random.IntN(5) {
	case 0:
		return config.Delete{Name: name}
	case 1:
		return config.Restore{Name: name}
	}
	return config.Set{Name: name, Value: configstoretest.Value(t, string("xy"[random.IntN(2)]))}
}

// TestPastOfAllStores compares differences and recent changes with the whole history.
func TestPastOfAllStores(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPast(t, open(t), 250)
			t.Run("diff", func(t *testing.T) { rapid.Check(t, p.checkDiff) })
			t.Run("prefixes", func(t *testing.T) { rapid.Check(t, p.checkPrefixes) })
			t.Run("recent changes", func(t *testing.T) { rapid.Check(t, p.checkRecent) })
		})
	}
}

func (p *past) draw(rt *rapid.T) (*configstore.Reader, config.Filter) {
	f := rapid.SampledFrom(filters).Draw(rt, "filter")
	filter, err := config.ParseFilter(f.prefix, f.names)
	if err != nil {
		rt.Fatal(err)
	}
	if rapid.IntRange(0, 3).Draw(rt, "contains") == 0 {
		if filter, err = filter.Containing("b"); err != nil {
			rt.Fatal(err)
		}
	}
	return rapid.SampledFrom(p.readers).Draw(rt, "reader"), filter
}

// snapshot draws a position up to that of a reader.
func (p *past) snapshot(rt *rapid.T, r *configstore.Reader, what string) *configstore.Snapshot {
	seq := rapid.IntRange(0, int(r.Head().Seq)).Draw(rt, what)
	at := eventstore.Position{}
	if seq > 0 {
		at = p.history[seq-1].Position()
	}
	snapshot, err := r.AsOf(p.Context(), at)
	if err != nil {
		rt.Fatal(err)
	}
	return snapshot
}

// states returns the newest revisions of the existing configs that a filter selects.
func (p *past) states(at eventstore.Seq, filter config.Filter) map[string]*eventstore.Revision {
	states := make(map[string]*eventstore.Revision)
	for _, r := range p.history[:at] {
		states[r.Name.String()] = r
	}
	maps.DeleteFunc(states, func(_ string, r *eventstore.Revision) bool { return !r.HasValue() || !filter.Matches(r.Name) })
	return states
}

func (p *past) checkDiff(rt *rapid.T) {
	r, filter := p.draw(rt)
	q := configstore.DiffQuery{From: p.snapshot(rt, r, "from"), To: p.snapshot(rt, r, "to"), Filter: filter}
	before, after := p.states(q.From.At().Seq, filter), p.states(q.To.At().Seq, filter)
	got := p.mustDiff(rt, r, q, rapid.IntRange(1, 4).Draw(rt, "first"))
	p.mustLead(rt, got, before, after)
	for _, d := range got {
		p.mustHaveChanges(rt, d, q.From.At().Seq, q.To.At().Seq)
	}
	q.From, q.To = q.To, q.From
	mirror := p.mustDiff(rt, r, q, 500)
	if len(mirror) != len(got) {
		rt.Fatalf("%d differences, and %d the other way round", len(got), len(mirror))
	}
	for i, d := range got {
		if m := mirror[i]; d.Name != m.Name || !sameState(d.Before, m.After) || !sameState(d.After, m.Before) {
			rt.Fatalf("got %+v, and %+v the other way round", d, m)
		}
	}
}

func (p *past) checkPrefixes(rt *rapid.T) {
	prefixes := rapid.SampledFrom([][2]string{{"a", "b"}, {"b", "a"}, {"a/b", "b/b"}, {"a", "a/b"}, {"b", "b"}, {"c", "a/"}, {"none", "b/"}}).Draw(rt, "prefixes")
	filter, err := config.ParseFilter(prefixes[0], nil)
	if err != nil {
		rt.Fatal(err)
	}
	toFilter, err := config.ParseFilter(prefixes[1], nil)
	if err != nil {
		rt.Fatal(err)
	}
	r := rapid.SampledFrom(p.readers).Draw(rt, "reader")
	q := configstore.DiffQuery{From: p.snapshot(rt, r, "from"), To: p.snapshot(rt, r, "to"), Filter: filter, ToPrefix: prefixes[1]}
	before, after := p.states(q.From.At().Seq, filter), make(map[string]*eventstore.Revision)
	for name, revision := range p.states(q.To.At().Seq, toFilter) {
		after[filter.Prefix()+strings.TrimPrefix(name, toFilter.Prefix())] = revision
	}
	got := p.mustDiff(rt, r, q, rapid.IntRange(1, 4).Draw(rt, "first"))
	p.mustLead(rt, got, before, after)
	for _, d := range got {
		if len(d.Changes) > 0 || d.MoreChanges {
			rt.Fatalf("%s: got changes between two prefixes", d.Name)
		}
	}
}

// mustDiff reads all pages of a comparison.
func (p *past) mustDiff(rt *rapid.T, r *configstore.Reader, q configstore.DiffQuery, first int) (all []configstore.Difference) {
	for page := (configstore.DiffPage{More: true}); page.More; {
		var err error
		after := page.End
		if page, err = r.Diff(p.Context(), q, after, first, true); err != nil {
			rt.Fatal(err)
		}
		if len(page.Differences) > first || page.More && page.End <= after {
			rt.Fatalf("a page of %d after %q: %d differences, end %q", first, after, len(page.Differences), page.End)
		}
		all = append(all, page.Differences...)
	}
	if n, err := r.CountDiff(p.Context(), q); err != nil || n != len(all) {
		rt.Fatalf("counted %d, %v, want %d", n, err, len(all))
	}
	return all
}

// mustLead fails unless the differences, applied to the states before, give the states after, and
// each is one.
func (p *past) mustLead(rt *rapid.T, differences []configstore.Difference, before, after map[string]*eventstore.Revision) {
	last := ""
	for _, d := range differences {
		name := d.Name.String()
		from, to := before[name], after[name]
		switch {
		case name <= last:
			rt.Fatalf("%s comes after %s", name, last)
		case !isState(d.Before, from) || !isState(d.After, to):
			rt.Fatalf("%s: got %+v and %+v, want %+v and %+v", name, d.Before, d.After, from, to)
		case from == nil && to == nil || from != nil && to != nil && from.Value == to.Value:
			rt.Fatalf("%s does not differ", name)
		}
		last = name
		delete(before, name)
		delete(after, name)
	}
	value := func(r *eventstore.Revision) config.Value { return r.Value }
	if !maps.EqualFunc(before, after, func(a, b *eventstore.Revision) bool { return value(a) == value(b) }) {
		rt.Fatalf("the rest differs: %v and %v", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
	}
}

func (p *past) mustHaveChanges(rt *rapid.T, d configstore.Difference, from, to eventstore.Seq) {
	var want []*eventstore.Revision
	for seq := from; seq < to; seq++ {
		if p.history[seq].Name == d.Name {
			want = append(want, p.history[seq])
		}
	}
	newest := want[max(0, len(want)-configstore.MaxDifferenceChanges):]
	if !slices.EqualFunc(d.Changes, newest, sameRevision) || d.MoreChanges != (len(newest) < len(want)) {
		rt.Fatalf("%s from %d to %d: got %d changes, more: %t, want %d of %d", d.Name, from, to, len(d.Changes), d.MoreChanges, len(newest), len(want))
	}
}

func isState(c *projection.Config, r *eventstore.Revision) bool {
	return c == nil && r == nil || c != nil && r != nil && configstoretest.IsAfter(c, r)
}

func sameState(a, b *projection.Config) bool { return reflect.DeepEqual(a, b) }

func sameRevision(a, b *eventstore.Revision) bool { return reflect.DeepEqual(a, b) }

func (p *past) checkRecent(rt *rapid.T) {
	r, configs := p.draw(rt)
	filter := configstore.ChangeFilter{Configs: configs}
	if actor := rapid.SampledFrom([]string{"", "", "ann", "bob", "nobody"}).Draw(rt, "actor"); actor != "" {
		filter.Actor = &actor
	}
	filter.Operations = rapid.SampledFrom([][]config.Operation{
		nil, {config.Created}, {config.Updated, config.Deleted}, {config.Restored}, {},
	}).Draw(rt, "operations")
	filter.Since, filter.Until = p.instant(rt, "since"), p.instant(rt, "until")
	var want []*eventstore.Revision
	for _, e := range slices.Backward(p.history[:r.Head().Seq]) {
		if configs.Matches(e.Name) && (filter.Actor == nil || e.Actor != nil && *e.Actor == *filter.Actor) &&
			(filter.Operations == nil || slices.Contains(filter.Operations, e.Operation())) &&
			(filter.Since == nil || !e.At.Before(*filter.Since)) && (filter.Until == nil || e.At.Before(*filter.Until)) {
			want = append(want, e)
		}
	}
	first := rapid.IntRange(1, 6).Draw(rt, "first")
	var got []*eventstore.Revision
	for page := (configstore.RecentPage{More: true}); page.More; {
		var err error
		before := page.End
		if page, err = r.RecentChanges(p.Context(), filter, before, first); err != nil {
			rt.Fatal(err)
		}
		if len(page.Revisions) > first || page.More && before > 0 && page.End >= before {
			rt.Fatalf("a page of %d before %d: %d revisions, end %d", first, before, len(page.Revisions), page.End)
		}
		got = append(got, page.Revisions...)
	}
	if !slices.EqualFunc(got, want, sameRevision) {
		rt.Fatalf("%+v: got %d revisions, want %d", filter, len(got), len(want))
	}
}

// instant draws the time of an event, one beside it, or none.
func (p *past) instant(rt *rapid.T, what string) *time.Time {
	seq := rapid.IntRange(-20, len(p.history)-1).Draw(rt, what)
	switch {
	case seq == -1:
		return new(time.Time) // the first instant of all is one like any other
	case seq < 0:
		return nil
	}
	return new(p.history[seq].At.Add(time.Duration(rapid.SampledFrom([]int{0, 1, -1, 1000, -1000}).Draw(rt, "beside"))))
}

// TestCountsEndWithTheirContext counts what needs no read of the event store.
func TestCountsEndWithTheirContext(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	created := store.MustSet(t, "a/x", "1")
	store.MustSet(t, "b/x", "1")
	r := store.Reader(auth.Anonymous)
	then, err := r.AsOf(t.Context(), created.Position)
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if n, err := then.Count(ended, config.Filter{}); !errors.Is(err, context.Canceled) {
		t.Errorf("configs of the past: got %d, %v", n, err)
	}
	query := configstore.DiffQuery{From: r.Now(), To: r.Now(), Filter: mustFilter(t, "a"), ToPrefix: "b"}
	if n, err := r.CountDiff(ended, query); !errors.Is(err, context.Canceled) {
		t.Errorf("differences of prefixes: got %d, %v", n, err)
	}
}
