package projection_test

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// fact is what a model knows of a name.
type fact struct {
	seq     eventstore.Seq // of its newest revision
	deleted bool
}

// moment is a view, and what it has to show.
type moment struct {
	projection *projection.Projection
	view       *projection.View
	facts      map[string]fact // :: name → newest fact
	records    int             // of the history, up to the view
}

// TestReadsOfThePresent compares all reads of views with a plain map. The views are of a projection
// that goes on, and is replaced by one that begins at an older head.
func TestReadsOfThePresent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h, p := newHistory(t), projection.New(&listener{})
		moments := []moment{{p, p.View(), map[string]fact{}, 0}}
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			newest := moments[len(moments)-1]
			if rapid.IntRange(0, 4).Draw(rt, "go back") == 0 {
				at := rapid.SampledFrom(moments).Draw(rt, "to")
				h = historyOf(t, h.records[:at.records])
				p = projection.New(&listener{})
				order(rt, p, p.View())
				p.Begin(newest.view, at.view.Head(), pastOf(t, at, newest, h))
				newest = moment{p, p.View(), at.facts, at.records}
				moments = []moment{newest}
			}
			if rapid.Bool().Draw(rt, "broken first") {
				applyBroken(rt, t, p, h.fork())
			}
			facts := maps.Clone(newest.facts)
			for _, record := range drawChanges(rt, t, h) {
				facts[record.Name] = fact{record.Seq, record.Type == string(config.ValueDeleted)}
			}
			if err := p.Apply(newest.view.Head(), mustDecode(t, h.records[newest.records:])); err != nil {
				rt.Fatal(err)
			}
			moments = append(moments, moment{p, p.View(), facts, len(h.records)})
			for range 3 {
				rapid.SampledFrom(moments).Draw(rt, "moment").check(rt)
			}
		}
	})
}

// segments of the names: many are the beginning of another, with bytes that sort before and after
// the slash.
var segments = []string{"a", "a-", "a-b", "a-b.c", "a.b", "a--", "a-b-c", "a0", "A", "Ab", "b", "-", "_", "b:c"}

func drawName(rt *rapid.T) string {
	return strings.Join(rapid.SliceOfN(rapid.SampledFrom(segments), 1, 4).Draw(rt, "name"), "/")
}

// drawChanges commits changes, each a change set of its own.
func drawChanges(rt *rapid.T, t testing.TB, h *history) (records []eventstore.Record) {
	most := rapid.SampledFrom([]int{3, 3, 100}).Draw(rt, "most changes") // few, for the order to follow them
	for range rapid.IntRange(1, most).Draw(rt, "changes") {
		name := drawName(rt)
		switch state := h.states[name]; {
		case state.Deleted && rapid.Bool().Draw(rt, "restore"):
			records = append(records, h.commit(config.Restore{Name: mustName(t, name)})...)
		case state.Exists() && rapid.IntRange(0, 2).Draw(rt, "delete") > 0:
			records = append(records, h.commit(remove(t, name))...)
		case !state.Deleted:
			records = append(records, h.set(name, "v")...)
		}
	}
	return append(records, h.set("always", "v")...)
}

// applyBroken applies another future, the last event of which cannot follow.
func applyBroken(rt *rapid.T, t testing.TB, p *projection.Projection, future *history) {
	broken := mustDecode(t, drawChanges(rt, t, future))
	broken[len(broken)-1].Version += 7
	if err := p.Apply(p.View().Head(), broken); err == nil {
		rt.Fatal("events that cannot follow were applied")
	}
}

// historyOf returns the history of some records, which goes on differently.
func historyOf(t testing.TB, records []eventstore.Record) *history {
	h := newHistory(t)
	h.records = slices.Clip(records)
	for _, r := range mustDecode(t, records) {
		state := h.states[r.Name.String()]
		state.Name = r.Name
		next, err := state.Apply(r.Event)
		if err != nil {
			t.Fatal(err)
		}
		h.states[r.Name.String()] = next
		h.head = r.Head()
	}
	return h
}

// pastOf returns what Begin needs to go back from one moment to another, whose history is given.
func pastOf(t testing.TB, to, from moment, h *history) map[config.Name]*eventstore.Revision {
	past := make(map[config.Name]*eventstore.Revision)
	revisions := mustDecode(t, h.records)
	for name, f := range from.facts {
		switch then, existed := to.facts[name]; {
		case !existed:
			past[mustName(t, name)] = nil
		case then != f:
			past[mustName(t, name)] = revisions[then.seq-1]
		}
	}
	return past
}

// check compares reads with the facts, for a filter and for a prefix that it draws.
func (m moment) check(rt *rapid.T) {
	filter, after := drawFilter(rt), ""
	if rapid.IntRange(0, 2).Draw(rt, "go on") == 0 {
		after = drawName(rt)
	}
	selected := func(deleted bool) (names []string) {
		for name, f := range m.facts {
			if parsed, _ := config.ParseName(name); f.deleted == deleted && filter.Matches(parsed) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names
	}
	existing, deleted := selected(false), selected(true)
	all := append(slices.Clone(existing), deleted...)
	slices.Sort(all)
	behind := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n <= after })
	}
	equal(rt, "existing by name", collect(m.view.AscendExisting, filter, after), behind(existing))
	equal(rt, "deleted by name", collect(m.view.AscendDeleted, filter, after), behind(deleted))
	equal(rt, "all by name", collect(m.view.Ascend, filter, after), behind(all))
	if n, nDeleted := m.view.Count(filter), m.view.CountDeleted(filter); n != len(existing) || nDeleted != len(deleted) {
		rt.Fatalf("counts %d and %d deleted, want %d and %d", n, nDeleted, len(existing), len(deleted))
	}
	m.checkOrder(rt)
	m.checkChildren(rt)
}

func drawFilter(rt *rapid.T) config.Filter {
	var prefix string
	var names []string
	if rapid.Bool().Draw(rt, "with prefix") {
		prefix = drawName(rt)
	}
	if rapid.IntRange(0, 3).Draw(rt, "with names") == 0 {
		names = []string{drawName(rt), drawName(rt)}
	}
	filter, err := config.ParseFilter(prefix, names)
	if err == nil && rapid.Bool().Draw(rt, "with part") {
		filter, err = filter.Containing(rapid.SampledFrom([]string{"a", "B", "a/", "-b", "xyz"}).Draw(rt, "part"))
	}
	if err != nil {
		rt.Fatal(err)
	}
	return filter.Within(drawSet(rt))
}

// drawSet draws a set of names: often all, else those below some prefixes.
func drawSet(rt *rapid.T) config.Prefixes {
	if rapid.Bool().Draw(rt, "of all names") {
		return config.Below("")
	}
	return config.Below(rapid.SliceOfN(rapid.Custom(drawName), 0, 8).Draw(rt, "of names below")...)
}

func collect(ascend func(config.Filter, string, func(*projection.Config) bool), filter config.Filter, after string) (names []string) {
	ascend(filter, after, func(c *projection.Config) bool {
		names = append(names, c.Name.String())
		return true
	})
	return names
}

// checkOrder checks the order of the view, before a seq that it draws.
func (m moment) checkOrder(rt *rapid.T) {
	order := order(rt, m.projection, m.view)
	before := eventstore.Seq(rapid.IntRange(0, m.records+1).Draw(rt, "before"))
	for deleted, walk := range map[bool]func(eventstore.Seq, func(eventstore.Seq, config.Name) bool){false: order.Existing, true: order.Deleted} {
		var want, got []string
		for seq := m.records; seq > 0; seq-- {
			for name, f := range m.facts {
				if f == (fact{eventstore.Seq(seq), deleted}) && (before == 0 || f.seq < before) {
					want = append(want, fmt.Sprintf("%d %s", seq, name))
				}
			}
		}
		walk(before, func(seq eventstore.Seq, name config.Name) bool {
			got = append(got, fmt.Sprintf("%d %s", seq, name))
			return true
		})
		equal(rt, fmt.Sprintf("deleted: %t, by change before %d", deleted, before), got, want)
	}
}

// checkChildren checks a page of the children of a prefix that it draws.
func (m moment) checkChildren(rt *rapid.T) {
	prefix, after := "", ""
	if rapid.Bool().Draw(rt, "below a prefix") {
		prefix = drawName(rt)
	}
	if rapid.Bool().Draw(rt, "after a segment") {
		after = rapid.SampledFrom(append(segments, "a-b-", "b.", "zz")).Draw(rt, "after")
	}
	first := rapid.IntRange(1, 20).Draw(rt, "first")
	of, children := drawSet(rt), make(map[string]*projection.Child)
	for text, f := range m.facts {
		name, _ := config.ParseName(text)
		child, segment, ok := name.ChildOf(prefix)
		if !ok || f.deleted || segment <= after || !of.Has(name) {
			continue
		}
		if children[segment] == nil {
			children[segment] = &projection.Child{Segment: segment, Name: child}
		}
		if child == name {
			children[segment].Config = m.view.Get(name)
		} else {
			children[segment].Below++
		}
	}
	var want, got []projection.Child
	for _, segment := range slices.Sorted(maps.Keys(children)) {
		if len(want) < first {
			want = append(want, *children[segment])
		}
	}
	m.view.Children(prefix, of, after, func(c projection.Child) bool {
		got = append(got, c)
		return len(got) < first
	})
	if !slices.Equal(got, want) {
		rt.Fatalf("children of %q of %q after %q:\n got %+v\nwant %+v", prefix, of.Texts(), after, got, want)
	}
}

func equal(rt *rapid.T, what string, got, want []string) {
	if !slices.Equal(got, want) {
		rt.Fatalf("%s: got %q, want %q", what, got, want)
	}
}

// failer is a test.
type failer interface {
	Helper()
	Fatal(args ...any)
}

func order(t failer, p *projection.Projection, view *projection.View) *projection.Order {
	t.Helper()
	order, err := p.Order(context.Background(), view)
	if err != nil {
		t.Fatal(err)
	}
	return order
}

// TestOrderFollowsManyChanges checks orders after few changes, and after so many that not all of
// them are remembered, in both directions.
func TestOrderFollowsManyChanges(t *testing.T) {
	const names = 10_000
	h, p := newHistory(t), projection.New(&listener{})
	apply := func(changes int) *projection.View {
		from := h.head
		var records []eventstore.Record
		for i := range changes {
			records = append(records, h.set(fmt.Sprintf("n%d", (int(from.Seq)+i)*7919%names), "v")...)
		}
		if err := p.Apply(from, mustDecode(t, records)); err != nil {
			t.Fatal(err)
		}
		return p.View()
	}
	check := func(view *projection.View) {
		t.Helper()
		want := view.Head().Seq // then each seq before it: all names change in turn
		order(t, p, view).Existing(0, func(seq eventstore.Seq, name config.Name) bool {
			if view.Get(name).Seq != seq || seq != want {
				t.Fatalf("at seq %d: got %s changed last at seq %d, want seq %d", view.Head().Seq, name, view.Get(name).Seq, want)
			}
			want--
			return true
		})
		if int(view.Head().Seq-want) != names {
			t.Fatalf("at seq %d: got %d names", view.Head().Seq, view.Head().Seq-want)
		}
	}
	views := []*projection.View{apply(names)}
	check(views[0])
	for _, changes := range []int{1, 100, 1000, 1300, 1300, 1300, 1300, 100, 5000, 1} {
		views = append(views, apply(changes))
	}
	for _, i := range []int{1, 2, 1, 3, 7, 6, 0, 10, 9} {
		check(views[i])
	}
}

// TestOrderCostsWhatHasChanged counts bytes, which do not depend on the load of the machine.
func TestOrderCostsWhatHasChanged(t *testing.T) {
	const names = 20_000
	h, p := newHistory(t), projection.New(&listener{})
	for i := range names {
		h.set(fmt.Sprint(i), "v")
	}
	if err := p.Apply(eventstore.Head{}, mustDecode(t, h.records)); err != nil {
		t.Fatal(err)
	}
	allocated := func() (bytes uint64) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		order(t, p, p.View())
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	first := allocated()
	for i := range 10 {
		from := h.head
		if err := p.Apply(from, mustDecode(t, h.set(fmt.Sprint(i), "v"))); err != nil {
			t.Fatal(err)
		}
	}
	if later := allocated(); later > first/5 {
		t.Errorf("the first order takes %d bytes, and one ten changes later %d", first, later)
	}
}

// TestOrdersWhileEventsAreApplied makes orders of views in several goroutines at once, while others
// read orders that share their nodes.
func TestOrdersWhileEventsAreApplied(t *testing.T) {
	const names = 500
	h, p := newHistory(t), projection.New(&listener{})
	var readers sync.WaitGroup
	defer readers.Wait()
	for i := range names + 300 {
		name := fmt.Sprint("n", i*7919%names)
		if h.states[name].Exists() && i%3 == 0 {
			h.commit(remove(t, name))
		} else if !h.states[name].Deleted {
			h.set(name, "v")
		}
		from := p.View().Head()
		if err := p.Apply(from, mustDecode(t, h.records[from.Seq:])); err != nil {
			t.Fatal(err)
		}
		if i < names || i%3 > 0 {
			continue
		}
		view := p.View()
		readers.Go(func() {
			order, n := order(t, p, view), 0
			order.Existing(0, func(seq eventstore.Seq, name config.Name) bool {
				if c := view.Get(name); c == nil || c.Seq != seq || !c.Exists() {
					t.Errorf("at seq %d: %s is ordered by seq %d, and is %+v", view.Head().Seq, name, seq, c)
				}
				n++
				return true
			})
			if n != view.Count(config.Filter{}) {
				t.Errorf("at seq %d: %d names are ordered, want %d", view.Head().Seq, n, view.Count(config.Filter{}))
			}
		})
	}
}
