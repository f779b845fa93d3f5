package projection_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
	"configapi/internal/slowtest"
)

func TestEmptyView(t *testing.T) {
	view := projection.New(&listener{}).View()
	newHistory(t).mustShow(view)
	if view.Get(mustName(t, "a")) != nil {
		t.Error("an empty view has a config")
	}
}

func TestApplyMakesStatesReadable(t *testing.T) {
	h := newHistory(t)
	h.set("a", "1")
	h.set("b", "1")
	h.set("a", "2")
	h.commit(remove(t, "b"))
	h.set("c", "1")
	h.commit(remove(t, "c"))
	h.commit(config.Restore{Name: mustName(t, "c")})
	p := projection.New(&listener{})
	if err := p.Apply(eventstore.Head{}, mustDecode(t, h.records)); err != nil {
		t.Fatal(err)
	}
	h.mustShow(p.View())

	c := p.View().Get(mustName(t, "c"))
	if got, want := c.CreatedAt(), h.records[4].RecordedAt; !got.Equal(want) || !c.UpdatedAt().After(want) {
		t.Errorf("created at %v and changed at %v, want it created at %v, before its last change", got, c.UpdatedAt(), want)
	}
	if deleted := p.View().Get(mustName(t, "b")); deleted.Exists() || deleted.Event().Operation() != config.Deleted {
		t.Errorf("the state of a deleted config is %+v", deleted)
	}
}

// TestApplyGivesOldValues applies a history in two parts, and hears the values before each change.
func TestApplyGivesOldValues(t *testing.T) {
	h := newHistory(t)
	h.commit(set(t, "a", "1"), set(t, "b", "2"))
	h.commit(set(t, "a", "3"), set(t, "c", ""))
	h.commit(remove(t, "a"))
	h.commit(config.Restore{Name: mustName(t, "a")})
	h.commit(set(t, "c", "4"), remove(t, "b"), set(t, "a", "5"))
	want := []string{"", "", "1", "", "3", "", "", "2", "3"}
	l := &listener{}
	p := projection.New(l)
	revisions := mustDecode(t, h.records)
	if err := errors.Join(p.Apply(eventstore.Head{}, revisions[:4]), p.Apply(revisions[3].Head(), revisions[4:])); err != nil {
		t.Fatal(err)
	}
	for i, r := range l.heard {
		if r.OldValue.String() != want[i] {
			t.Errorf("position %d: got the old value %q, want %q", r.Seq, r.OldValue, want[i])
		}
	}
	if len(l.heard) != len(want) {
		t.Errorf("heard of %d changes, want %d", len(l.heard), len(want))
	}
}

func TestOnlyReadableChangesArePublished(t *testing.T) {
	h := newHistory(t)
	var p *projection.Projection
	l := &listener{}
	l.onHear = func(revisions []*eventstore.Revision) {
		last := revisions[len(revisions)-1]
		if got := p.View().Head(); got != last.Head() {
			t.Errorf("heard of seq %d while the view was at %d", last.Seq, got.Seq)
		}
	}
	p = projection.New(l)
	h.set("a", "1")
	h.set("a", "2")
	h.set("b", "1")
	revisions := mustDecode(t, h.records)
	for _, n := range []int{1, 3, 2, 3} { // the second one brings two, the others after it nothing
		if err := p.Apply(eventstore.Head{}, revisions[:n]); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(l.heard, revisions) {
		t.Errorf("heard of %d revisions, want each of %d once", len(l.heard), len(revisions))
	}
}

func TestApplySkipsWhatIsKnown(t *testing.T) {
	h := newHistory(t)
	for i := range 6 {
		h.set("a", fmt.Sprint(i))
	}
	revisions := mustDecode(t, h.records)
	head := func(n int) eventstore.Head {
		if n == 0 {
			return eventstore.Head{}
		}
		return revisions[n-1].Head()
	}
	for applied := range 7 {
		for from := range applied + 1 {
			for to := from; to <= 6; to++ {
				p := projection.New(&listener{})
				if err := p.Apply(head(0), revisions[:applied]); err != nil {
					t.Fatal(err)
				}
				if err := p.Apply(head(from), revisions[from:to]); err != nil {
					t.Errorf("%d applied, then %d to %d: %v", applied, from, to, err)
				}
				if got, want := p.View().Head(), head(max(applied, to)); got != want {
					t.Errorf("%d applied, then %d to %d: at %d, want %d", applied, from, to, got.Seq, want.Seq)
				}
			}
		}
	}
}

// TestApplyRefuses checks that events that cannot follow change nothing, not even if the events
// before them could.
func TestApplyRefuses(t *testing.T) {
	base := newHistory(t)
	base.set("a", "1")
	base.set("b", "1")
	other := base.fork()
	for _, h := range []*history{base, other} {
		h.set("a", "2")
		h.set("c", "1")
	}
	applied, fork := mustDecode(t, base.records), mustDecode(t, other.records)

	follow := func(cmds ...config.Command) []*eventstore.Revision {
		return mustDecode(t, base.fork().commit(cmds...))
	}
	change := func(r *eventstore.Revision, f func(r *eventstore.Revision)) *eventstore.Revision {
		changed := *r
		f(&changed)
		return &changed
	}
	twice := follow(set(t, "new", "1"), set(t, "a", "3"))

	for _, test := range []struct {
		what      string
		from      eventstore.Head
		revisions []*eventstore.Revision
		want      string
		diverged  bool
	}{
		{"a gap", eventstore.Head{Seq: 5}, follow(set(t, "a", "3")), "applying events after seq 5: only 4 is applied", false},
		{"another hash where they begin", fork[3].Head(), follow(set(t, "a", "3")), "seq 4 has another hash", true},
		{"another hash among those that are known", applied[1].Head(), fork[2:], "seq 4 has another hash", true},
		{"half a change set", base.head, twice[:1], "the change set that ends at seq 6 is not whole", false},
		{"a change set that ends before it", base.head, []*eventstore.Revision{
			change(twice[0], func(r *eventstore.Revision) { r.ChangeSet.Seq = 4 }),
		}, "broken at position 5: its change set cannot end at 4", false},
		{"a change set within another", base.head, []*eventstore.Revision{
			change(twice[0], func(r *eventstore.Revision) { r.ChangeSet.Seq = 7 }), twice[1],
		}, "broken at position 6: its change set cannot end at 6", false},
		{"an event that cannot follow, after some that can", base.head, []*eventstore.Revision{
			twice[0], change(twice[1], func(r *eventstore.Revision) { r.Version = 9 }),
		}, `applying the event at seq 6: applying version 9 of config "a" to version 2`, false},
		{"a deletion of what never was", base.head, []*eventstore.Revision{
			change(twice[1], func(r *eventstore.Revision) { r.Name, r.Version, r.Type = mustName(t, "x"), 1, config.ValueDeleted }),
		}, `it cannot follow version 0`, false},
	} {
		t.Run(test.what, func(t *testing.T) {
			l := &listener{}
			p := projection.New(l)
			if err := p.Apply(eventstore.Head{}, applied); err != nil {
				t.Fatal(err)
			}
			before := p.View()
			err := p.Apply(test.from, test.revisions)
			if err == nil || !strings.Contains(err.Error(), test.want) || errors.Is(err, projection.ErrDiverged) != test.diverged {
				t.Errorf("got error %v, want %q, ErrDiverged: %t", err, test.want, test.diverged)
			}
			if p.View() != before || len(l.heard) != len(applied) {
				t.Error("something was applied all the same")
			}
			// Another future from here must not see anything of it, either.
			if err := p.Apply(base.head, follow(set(t, "a", "3"))); err != nil {
				t.Fatalf("going on: %v", err)
			}
			if p.View().Get(mustName(t, "new")) != nil || p.View().Count(config.Filter{}) != 3 {
				t.Errorf("a part of what was refused is there: %d configs exist, want 3", p.View().Count(config.Filter{}))
			}
		})
	}
}

func TestNext(t *testing.T) {
	h := newHistory(t)
	h.set("a", "1")
	h.set("a", "2")
	revisions := mustDecode(t, h.records)
	var none *projection.Config
	if err := none.CheckNext(revisions[1].Event); err == nil {
		t.Error("a second version can come without a first")
	}
	if err := none.CheckNext(revisions[0].Event); err != nil {
		t.Error(err)
	}
	first := none.Next(revisions[0])
	if !first.CreatedAt().Equal(revisions[0].At) {
		t.Fatalf("got %+v", first)
	}
	if err := first.CheckNext(revisions[0].Event); err == nil {
		t.Error("a first version can come after a first")
	}
	if err := first.CheckNext(revisions[1].Event); err != nil {
		t.Error(err)
	}
	second := first.Next(revisions[1])
	if second.Position() != revisions[1].Position() || !second.CreatedAt().Equal(revisions[0].At) || first.Value != revisions[0].Value {
		t.Errorf("got %+v after %+v", second, first)
	}
}

// TestStatesOfOneSet has revisions of one change set that differ in what a set has once, as another
// program might write them.
func TestStatesOfOneSet(t *testing.T) {
	h := newHistory(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		h.set(name, "1")
	}
	revisions := mustDecode(t, h.records)
	ann, bob, why := "ann", "bob", "why"
	other := eventstore.Position{Seq: 1}
	end := revisions[4].Position()
	for i, r := range revisions {
		r.ChangeSet, r.Actor, r.Reason = end, &ann, &why
		switch i {
		case 1:
			r.Actor = &bob
		case 2:
			r.Reason = nil
		case 3:
			r.Reverts = &other
		}
	}
	p := projection.New(&listener{})
	if err := p.Apply(eventstore.Head{}, revisions); err != nil {
		t.Fatal(err)
	}
	for _, r := range revisions {
		c := p.View().Get(r.Name)
		if c.ChangeSet() != end || *c.Actor() != *r.Actor || (c.Reason() == nil) != (r.Reason == nil) || c.Reverts() != r.Reverts {
			t.Errorf("%s: got %+v", r.Name, c)
		}
	}
}

// TestRefusedEventsLeaveNoTrace fails at every place of long batches, in trees of many nodes.
func TestRefusedEventsLeaveNoTrace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h, p := newHistory(t), projection.New(&listener{})
		for range rapid.IntRange(1, 6).Draw(rt, "batches") {
			good := drawBatch(rt, t, h)
			revisions := mustDecode(t, good)
			if rapid.Bool().Draw(rt, "broken first") {
				broken := slices.Clone(revisions)
				last := *broken[len(broken)-1]
				last.Version += 7
				broken[len(broken)-1] = &last
				before := p.View()
				if err := p.Apply(before.Head(), broken); err == nil || p.View() != before {
					rt.Fatalf("a broken batch: error %v, view changed: %t", err, p.View() != before)
				}
			}
			if err := p.Apply(p.View().Head(), revisions); err != nil {
				rt.Fatal(err)
			}
			h.mustShow(p.View())
		}
	})
}

// drawBatch commits up to 200 events of up to 300 names, each a change set of its own.
func drawBatch(rt *rapid.T, t testing.TB, h *history) (records []eventstore.Record) {
	for range rapid.IntRange(1, 200).Draw(rt, "events") {
		name := fmt.Sprintf("n%d", rapid.IntRange(0, 300).Draw(rt, "name"))
		switch state := h.states[name]; {
		case state.Deleted:
			records = append(records, h.commit(config.Restore{Name: mustName(t, name)})...)
		case state.Exists() && rapid.IntRange(0, 2).Draw(rt, "delete") == 0:
			records = append(records, h.commit(remove(t, name))...)
		default:
			records = append(records, h.set(name, "v")...)
		}
	}
	return records
}

// TestViewsNeverChange keeps views and reads them again while the tree that shares their nodes
// changes.
func TestViewsNeverChange(t *testing.T) {
	h, p := newHistory(t), projection.New(&listener{})
	contents := func(v *projection.View) string {
		var b strings.Builder
		v.Ascend(config.Filter{}, "", func(c *projection.Config) bool {
			fmt.Fprintf(&b, "%s=%v@%d ", c.Name, c.Aggregate(), c.Seq)
			return true
		})
		return fmt.Sprintf("%d %d %s", v.Head().Seq, v.Count(config.Filter{}), &b)
	}
	var readers sync.WaitGroup
	defer readers.Wait()
	done := make(chan struct{})
	defer close(done)
	for round := range slowtest.Rounds(15, 40) {
		for i := range 25 {
			name := fmt.Sprintf("n%d", (round*7+i*13)%200)
			if h.states[name].Exists() && i%4 == 0 {
				h.commit(remove(t, name))
			} else if !h.states[name].Deleted {
				h.set(name, fmt.Sprint(round, i))
			}
		}
		from := p.View().Head()
		if err := p.Apply(from, mustDecode(t, h.records[from.Seq:])); err != nil {
			t.Fatal(err)
		}
		view := p.View()
		want := contents(view)
		readers.Go(func() {
			for first := true; ; first = false {
				if got := contents(view); got != want {
					t.Errorf("the view of seq %d has changed", view.Head().Seq)
				}
				select {
				case <-done:
					if !first {
						return
					}
				default:
				}
			}
		})
	}
}

func TestAscend(t *testing.T) {
	names := []string{"a", "a-b", "a.b", "a/b", "a/b/c", "a/c", "a0", "aa", "aa/b", "ab", "b", "b/a", "c"}
	h, p := newHistory(t), projection.New(&listener{})
	for _, name := range names {
		h.set(name, "1")
	}
	if err := p.Apply(eventstore.Head{}, mustDecode(t, h.records)); err != nil {
		t.Fatal(err)
	}
	after := append([]string{"", "0", "a/", "zzz"}, names...)
	for _, prefix := range []string{"", "a", "a/", "a/b", "aa", "b", "nothing", "z"} {
		for _, listed := range [][]string{nil, {}, {"a/b", "b", "x"}} {
			filter, err := config.ParseFilter(prefix, listed)
			if err != nil {
				t.Fatal(err)
			}
			for _, after := range after {
				for limit := range 4 {
					var got, want []string
					for _, name := range names {
						if name > after && filter.Matches(mustName(t, name)) && len(want) <= limit {
							want = append(want, name)
						}
					}
					p.View().Ascend(filter, after, func(c *projection.Config) bool {
						got = append(got, c.Name.String())
						return len(got) <= limit
					})
					if !slices.Equal(got, want) {
						t.Errorf("prefix %q, names %q, after %q, %d at most: got %q, want %q", prefix, listed, after, limit+1, got, want)
					}
				}
			}
		}
	}
}
