package configstore_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// names that tests draw from: prefixes of one another, with neighbours that only look like it.
var names = []string{"a", "a-b", "a/b", "a/b/c", "a0", "b"}

// filters that tests draw from.
var filters = []struct {
	prefix string
	names  []string
	part   string
}{
	{}, {prefix: "a"}, {prefix: "a/b"}, {names: []string{"a0", "b", "x"}}, {prefix: "a", names: []string{"a/b", "b"}}, {names: []string{}},
	{part: "B"}, {prefix: "a", part: "/b"}, {names: []string{"a0", "b", "x"}, part: "0"}, {part: "x"},
}

// service is two nodes on one history, and the model of it.
type service struct {
	*rapid.T
	t      *testing.T
	events *memory.Store
	opts   configstore.Options
	nodes  []*configstore.Store
	stops  []func() // of all nodes so far
	model  model
	clock  atomic.Pointer[time.Time] // the nodes read it concurrently
	marks  []eventstore.Position     // :: position → its position
	kept   []kept
}

// kept is a reader that was made at an earlier position.
type kept struct {
	reader   *configstore.Reader
	position int
}

// TestService carries out random commands on two nodes, and compares all that can be read, at all
// positions, with a model.
func TestService(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := &service{T: rt, t: t, events: memory.New(), marks: make([]eventstore.Position, 1)}
		begin := configstoretest.Epoch
		s.clock.Store(&begin)
		s.opts = configstore.Options{
			Now:       func() time.Time { return *s.clock.Load() },
			ScanNames: rapid.SampledFrom([]int{0, 2, 40}).Draw(rt, "scan"),
			Feed:      feed.Options{RingEvents: rapid.SampledFrom([]int{1, 4, 1000}).Draw(rt, "ring")},
			Follower:  projection.Options{PageSize: rapid.SampledFrom([]int{1, 2, 1000}).Draw(rt, "page")},
		}
		s.nodes = []*configstore.Store{s.start(), s.start()}
		defer func() {
			for _, stop := range s.stops {
				stop()
			}
		}()
		rt.Repeat(map[string]func(*rapid.T){
			"command":    s.command,
			"change set": s.changeSet,
			"keep":       s.keep,
			"restart":    s.restart,
			"":           func(*rapid.T) {},
		})
		s.checkNode(rapid.SampledFrom(s.nodes).Draw(rt, "checked node"))
		for _, p := range s.kept {
			s.checkReader(p.reader, p.position)
		}
	})
}

// start starts a node, which has applied the history when start returns.
func (s *service) start() *configstore.Store {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	node := configstore.New(s.events, s.opts)
	go func() {
		defer close(done)
		_ = node.Run(ctx)
	}()
	<-node.Ready()
	s.stops = append(s.stops, func() {
		cancel()
		<-done
	})
	return node
}

// restart replaces a node by one that knows nothing but the history.
func (s *service) restart(rt *rapid.T) {
	s.nodes[rapid.IntRange(0, len(s.nodes)-1).Draw(rt, "restarted")] = s.start()
}

// command carries out one command on one of the nodes, and compares its outcome with the model's.
func (s *service) command(rt *rapid.T) {
	now := s.clock.Load().Add(time.Duration(rapid.IntRange(-3, 10).Draw(rt, "clock")) * time.Microsecond)
	s.clock.Store(&now)
	cmd := s.draw(rt)
	node := rapid.SampledFrom(s.nodes).Draw(rt, "node")
	got, err := node.Do(context.Background(), auth.Anonymous, config.Single(cmd))
	event, kind := s.model.decide(cmd, s.model.next(now))
	switch {
	case kind != fault.Internal:
		var refusal *fault.Refusal
		if fault.KindOf(err) != kind || !errors.As(err, &refusal) {
			rt.Fatalf("%+v: got %+v, %v, want kind %d", cmd, got, err, kind)
		}
		s.mustBeCurrent(rt, node, refusal.Current, cmd.Target().String())
		return
	case err != nil || got.Changed != (event != nil):
		rt.Fatalf("%+v: got %+v, %v, want %+v", cmd, got, err, event)
	case event != nil:
		s.model.events = append(s.model.events, *event)
		s.marks = append(s.marks, got.Position)
	}
	s.mustBeCurrent(rt, node, got.Config, cmd.Target().String())
	if got.Position != s.marks[len(s.marks)-1] {
		rt.Fatalf("%+v: the outcome is at %s, want %s", cmd, got.Position, s.marks[len(s.marks)-1])
	}
	if r := mustReader(rt, node); r.Head().Position() != got.Position {
		rt.Fatalf("the node that wrote position %s reads %s", got.Position, r.Head().Position())
	}
}

func (s *service) mustBeCurrent(rt *rapid.T, node *configstore.Store, got *projection.Config, name string) {
	want, known := s.model.asOf(len(s.model.events))[name]
	if known != (got != nil) || known && !want.isNewest(got) {
		rt.Fatalf("%s: got %+v, want %+v", name, got, want)
	}
	if known {
		s.mustHaveOld(node.OldValue(got), want, got)
	}
}

// mustHaveOld compares the value that a config had before its newest revision.
func (s *service) mustHaveOld(values *configstore.OldValues, want modelState, c *projection.Config) {
	old, err := values.Of(context.Background(), c)
	has := want.operation == config.Updated || want.operation == config.Deleted
	if err != nil || has != (old != nil) || has && old.String() != want.old {
		s.Fatalf("the value of %s before position %d: got %v, %v, want %q", c.Name, c.Seq, old, err, want.old)
	}
}

func (s *service) draw(rt *rapid.T) config.Command {
	return s.drawFor(rt, rapid.SampledFrom(names).Draw(rt, "name"))
}

func (s *service) drawFor(rt *rapid.T, text string) config.Command {
	name := configstoretest.Name(s.t, text)
	value := configstoretest.Value(s.t, rapid.SampledFrom([]string{"", "1", "2"}).Draw(rt, "value"))
	var expected *config.Version
	if rapid.IntRange(0, 3).Draw(rt, "expects") == 0 {
		version := config.Version(rapid.IntRange(0, 4).Draw(rt, "version"))
		expected = &version
	}
	switch rapid.IntRange(0, 5).Draw(rt, "command") {
	case 0, 1:
		return config.Delete{Name: name, ExpectedVersion: expected}
	case 2:
		return config.Restore{Name: name, ExpectedVersion: expected}
	case 3:
		return config.Restore{Name: name, Value: &value, ExpectedVersion: expected}
	}
	return config.Set{Name: name, Value: value, ExpectedVersion: expected, OnlyIfChanged: rapid.Bool().Draw(rt, "only if changed")}
}

// changeSet applies a set of several commands on one of the nodes, and compares its outcome with
// the model's: all of it, or nothing when the model refuses a single one.
func (s *service) changeSet(rt *rapid.T) {
	now := s.clock.Load().Add(time.Duration(rapid.IntRange(-3, 10).Draw(rt, "clock")) * time.Microsecond)
	s.clock.Store(&now)
	var set config.ChangeSet
	var events []modelEvent
	refused := 0
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), rapid.ID[string]).Draw(rt, "names") {
		cmd := s.drawFor(rt, name)
		set.Changes = append(set.Changes, config.Change{Command: cmd})
		event, kind := s.model.decide(cmd, time.Time{})
		switch {
		case kind != fault.Internal:
			refused++
		case event != nil:
			events = append(events, *event)
		}
	}
	got, err := rapid.SampledFrom(s.nodes).Draw(rt, "node").Apply(context.Background(), auth.Anonymous, set)
	if refused > 0 {
		var rejection *fault.Rejection
		if !errors.As(err, &rejection) || len(rejection.Failures) != refused {
			rt.Fatalf("%+v: got %+v, %v, want %d failures", set, got, err, refused)
		}
		return
	}
	if err != nil || len(got.Revisions) != len(events) || len(got.Unchanged) != len(set.Changes)-len(events) {
		rt.Fatalf("%+v: got %+v, %v, want %+v", set, got, err, events)
	}
	end := len(s.model.events) + len(events)
	for i, e := range events {
		e.at, e.set = s.model.next(now), end
		s.model.events = append(s.model.events, e)
		s.marks = append(s.marks, got.Revisions[i].Position())
	}
	if got.Position != s.marks[len(s.marks)-1] {
		rt.Fatalf("%+v: the outcome is at %s, want %s", set, got.Position, s.marks[len(s.marks)-1])
	}
}

// keep keeps a reader of the present position.
func (s *service) keep(rt *rapid.T) {
	if len(s.kept) < 3 {
		r := mustReader(rt, rapid.SampledFrom(s.nodes).Draw(rt, "node"))
		s.kept = append(s.kept, kept{r, int(r.Head().Seq)})
	}
}

// checkNode compares what a node returns for all positions.
func (s *service) checkNode(node *configstore.Store) {
	ctx := context.Background()
	head := len(s.model.events)
	if _, err := mustReader(s.T, node).AsOf(ctx, s.marks[head]); err != nil { // waits for it
		s.Fatal(err)
	}
	r := mustReader(s.T, node)
	s.checkReader(r, head)
	for position, mark := range s.marks {
		snapshot, err := r.AsOf(ctx, mark)
		end := s.model.endOf(position)
		if err != nil || snapshot.At().Position() != s.marks[end] {
			s.Fatalf("as of %s: %v", mark, err)
		}
		s.checkSnapshot(snapshot, end)
	}
	var instants []time.Time
	for _, e := range s.model.events {
		instants = append(instants, e.at.Add(-time.Microsecond), e.at.Add(-1), e.at, e.at.Add(1), e.at.Add(time.Microsecond))
	}
	instants = append(instants, time.Time{}, configstoretest.Epoch.Add(-time.Hour), configstoretest.Epoch.Add(time.Hour))
	for _, instant := range instants {
		snapshot, err := r.AsOfTime(ctx, instant)
		if want := s.model.asOfTime(instant); err != nil || snapshot.At().Position() != s.marks[want] {
			s.Fatalf("as of %v: got %s, %v, want position %d", instant, snapshot.At().Position(), err, want)
		}
	}
	s.checkWatch(node, rapid.IntRange(0, head).Draw(s.T, "after"))
}

// checkReader compares all that a reader of a position returns.
func (s *service) checkReader(r *configstore.Reader, position int) {
	if got := r.Head(); got.Position() != s.marks[position] {
		s.Fatalf("the reader is at %s, want %s", got.Position(), s.marks[position])
	}
	s.checkSnapshot(r.Now(), position)
	states := s.model.asOf(position)
	for _, name := range append(sortedNames(states), "x") {
		got, want := r.Config(configstoretest.Name(s.t, name)), states[name]
		exists := want.version > 0 && want.operation != config.Deleted
		if exists != (got != nil) || exists && !want.matches(got) {
			s.Fatalf("%s at %d: got %+v, want %+v", name, position, got, want)
		}
		s.checkHistory(r, name, position)
	}
	for i, mark := range s.marks {
		got, err := r.Revision(context.Background(), mark)
		if err != nil || (got != nil) != (1 <= i && i <= position) || got != nil && !(modelState{s.model.events[i-1], i, configstoretest.Epoch}).isRevision(got) {
			s.Fatalf("revision at %s of %d: got %+v, %v", mark, position, got, err)
		}
	}
	s.checkChanges(r, position)
	s.checkByChange(r, position)
	s.checkChildren(r, position)
}

// checkSnapshot reads all pages of all filters.
func (s *service) checkSnapshot(snapshot *configstore.Snapshot, position int) {
	ctx := context.Background()
	first := 1 + position%4
	existing := s.model.existing(position)
	for _, f := range filters {
		filter := mustSelect(s, f.prefix, f.names, f.part)
		want := slices.DeleteFunc(slices.Clone(existing), func(m modelState) bool { return !filter.Matches(configstoretest.Name(s.t, m.name)) })
		var got []*projection.Config
		for after, more := "", true; more; {
			found, err := snapshot.Configs(ctx, filter, after, first)
			page := found.Configs
			more = found.More
			short := more && len(page) < first || after != "" && len(page) == 0
			stuck := more && found.End <= after
			if err != nil || len(page) > first || short && s.opts.ScanNames == 0 || stuck {
				s.Fatalf("a page of %d after %q at position %d: %d configs, more: %t, %v", first, after, position, len(page), more, err)
			}
			for i, old := 0, snapshot.OldValues(page); i < len(page) && len(got)+i < len(want); i++ {
				s.mustHaveOld(old, want[len(got)+i], page[i])
			}
			got = append(got, page...)
			after = found.End
		}
		if !slices.EqualFunc(want, got, modelState.matches) {
			s.Fatalf("filter %+v at position %d: got %d configs, want %+v", f, position, len(got), want)
		}
		if count, err := snapshot.Count(ctx, filter); err != nil || count != len(want) {
			s.Fatalf("filter %+v at position %d: counted %d, %v, want %d", f, position, count, err, len(want))
		}
	}
	for _, name := range names {
		got, err := snapshot.Config(ctx, configstoretest.Name(s.t, name))
		want := slices.DeleteFunc(slices.Clone(existing), func(m modelState) bool { return m.name != name })
		if err != nil || len(want) != 0 && (got == nil || !want[0].matches(got)) || len(want) == 0 && got != nil {
			s.Fatalf("%s at position %d: got %+v, %v, want %+v", name, position, got, err, want)
		}
	}
}

// checkHistory reads the revisions of a name in pages, from the newest on, and then all from the
// oldest on.
func (s *service) checkHistory(r *configstore.Reader, text string, position int) {
	ctx, name := context.Background(), configstoretest.Name(s.t, text)
	var want []modelState
	for i, e := range s.model.events[:position] {
		if e.name == text {
			want = append(want, modelState{e, i + 1, configstoretest.Epoch})
		}
	}
	var oldestFirst []*eventstore.Revision
	if err := r.EachPage(ctx, name, func(page []*eventstore.Revision) error {
		oldestFirst = append(oldestFirst, page...)
		return nil
	}); err != nil || !slices.EqualFunc(want, oldestFirst, modelState.isRevision) {
		s.Fatalf("all revisions of %s at position %d: got %d, %v, want %+v", text, position, len(oldestFirst), err, want)
	}
	first := 1 + position%3
	var got []*eventstore.Revision
	for newest, more := config.Version(0), true; more; {
		var page []*eventstore.Revision
		var err error
		if page, more, err = r.History(ctx, name, newest, first); err != nil || len(page) > first || more && len(page) < first {
			s.Fatalf("a page of %d of the history of %s: %d revisions, more: %t, %v", first, text, len(page), more, err)
		}
		got = append(got, page...)
		if more {
			newest = page[len(page)-1].Version - 1
		}
	}
	slices.Reverse(got)
	if !slices.EqualFunc(want, got, modelState.isRevision) {
		s.Fatalf("history of %s at position %d: got %d revisions, want %+v", text, position, len(got), want)
	}
}

// wanted returns the events between two positions that a filter selects.
func (s *service) wanted(filter config.Filter, after, to int) (want []modelState) {
	for i := after; i < to; i++ {
		if filter.Matches(configstoretest.Name(s.t, s.model.events[i].name)) {
			want = append(want, modelState{s.model.events[i], i + 1, configstoretest.Epoch})
		}
	}
	return want
}

func mustReader(rt *rapid.T, node *configstore.Store) *configstore.Reader {
	reader, err := node.Reader(auth.Anonymous)
	if err != nil {
		rt.Fatal(err)
	}
	return reader
}
