package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
)

func TestPageSizes(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "a", "1")
	r := store.Reader(auth.Anonymous)
	for first, ok := range map[int]bool{-1: false, 0: false, 1: true, configstore.MaxPageSize: true, configstore.MaxPageSize + 1: false} {
		_, _, ofHistory := r.History(t.Context(), configstoretest.Name(t, "a"), 0, first)
		_, ofConfigs := r.Now().Configs(t.Context(), config.Filter{}, "", first)
		_, ofChanges := r.Changes(t.Context(), eventstore.Position{}, config.Filter{}, first)
		_, ofByChange := r.ConfigsByChange(t.Context(), config.Filter{}, 0, first)
		_, ofDeleted := r.Deleted(t.Context(), config.Filter{}, 0, first)
		_, ofChildren := r.Children("", "", first)
		_, ofRecent := r.RecentChanges(t.Context(), configstore.ChangeFilter{}, 0, first)
		_, ofDiff := r.Diff(t.Context(), configstore.DiffQuery{From: r.Now(), To: r.Now()}, "", first, true)
		for _, err := range []error{ofHistory, ofConfigs, ofChanges, ofByChange, ofDeleted, ofChildren, ofRecent, ofDiff} {
			var invalid *config.InvalidError
			if ok != (err == nil) || !ok && (!errors.As(err, &invalid) || invalid.Error() != fmt.Sprintf("first is %d; it must be 1 to 500", first)) {
				t.Errorf("first %d: %v", first, err)
			}
		}
	}
}

// TestManyNames has more names than the event store is asked for at once, many of which did not
// exist at the position.
func TestManyNames(t *testing.T) {
	const all = 2*eventstore.MaxAsOfNames + 300
	events := configstoretest.NewFaulty()
	events.SetHooks(configstoretest.Hooks{ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
		if len(q.Names) > eventstore.MaxAsOfNames {
			t.Errorf("the store was asked for %d names at once", len(q.Names))
		}
		return events.Store.ReadAsOf(ctx, basis, q, limit)
	}})
	store := configstoretest.On(t, events, configstore.Options{})
	name := func(i int) string { return fmt.Sprintf("n%04d", i) }
	var early []string
	for i := 0; i < all; i += 2 {
		store.MustSet(t, name(i), "early")
		if i%3 == 0 {
			store.MustDelete(t, name(i))
		} else {
			early = append(early, name(i))
		}
	}
	then := store.Reader(auth.Anonymous).Head().Position()
	for i := range all {
		if i%2 == 0 && i%3 == 0 {
			store.MustRestore(t, name(i))
		} else {
			store.MustSet(t, name(i), "new")
		}
	}
	snapshot, err := store.Reader(auth.Anonymous).AsOf(t.Context(), then)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := snapshot.Count(t.Context(), config.Filter{}); err != nil || n != len(early) {
		t.Errorf("counted %d, %v, want %d", n, err, len(early))
	}
	if n, err := store.Reader(auth.Anonymous).Now().Count(t.Context(), filter(t, name(1))); err != nil || n != 1 {
		t.Errorf("counted %d now, %v, want 1", n, err)
	}
	for _, first := range []int{63, 64, 65, 499, configstore.MaxPageSize} {
		got := mustReadPages(t, snapshot, first)
		if len(got) != len(early) || !slices.Equal(got, early) {
			t.Errorf("pages of %d: got %d names, want %d", first, len(got), len(early))
		}
	}
}

// mustReadPages returns the names of all pages of a snapshot.
func mustReadPages(t *testing.T, snapshot *configstore.Snapshot, first int) (names []string) {
	t.Helper()
	page := configstore.ConfigPage{More: true}
	for page.More {
		after := page.End
		var err error
		if page, err = snapshot.Configs(t.Context(), config.Filter{}, after, first); err != nil {
			t.Fatal(err)
		}
		if page.More && len(page.Configs) != first || after != "" && len(page.Configs) == 0 {
			t.Fatalf("a page of %d after %q: %d configs, more: %t", first, after, len(page.Configs), page.More)
		}
		for _, c := range page.Configs {
			names = append(names, c.Name.String())
		}
	}
	return names
}

// TestPagesStayOnTheirPosition reads the pages of one position, each by a request of its own, while
// callers change everything.
func TestPagesStayOnTheirPosition(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 5}})
	const all = 60
	var want []string
	for i := range all {
		name := fmt.Sprintf("n%02d", i)
		store.MustSet(t, name, "then")
		want = append(want, name+"=then")
	}
	then := store.Reader(auth.Anonymous).Head().Position()
	stop := make(chan struct{})
	var writing sync.WaitGroup
	for w := range 3 {
		writing.Go(func() {
			for i := w; ; i += 3 {
				select {
				case <-stop:
					return
				default:
				}
				name := fmt.Sprintf("n%02d", i%(2*all)) // half of them are new
				if state := store.Reader(auth.Anonymous).Config(configstoretest.Name(t, name)); state != nil && i%5 == 0 {
					store.MustDelete(t, name)
				} else {
					_, _ = store.Do(t.Context(), auth.Anonymous, config.Single(configstoretest.Set(t, name, "now")))
				}
			}
		})
	}
	for first := 1; first < 40; first += 3 {
		var got []string
		for after, more := "", true; more; {
			snapshot, err := store.Reader(auth.Anonymous).AsOf(t.Context(), then)
			if err != nil {
				t.Fatal(err)
			}
			page, err := snapshot.Configs(t.Context(), config.Filter{}, after, first)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Configs {
				got = append(got, c.Name.String()+"="+c.Value.String())
			}
			if n, err := snapshot.Count(t.Context(), config.Filter{}); err != nil || n != all {
				t.Errorf("counted %d, %v, want %d", n, err, all)
			}
			after, more = page.End, page.More
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d: got %q", first, got)
		}
	}
	close(stop)
	writing.Wait()
}

// TestLargeRevisions has an event store that returns few revisions at a time, and measures how many
// of them are in memory at once.
func TestLargeRevisions(t *testing.T) {
	const revisions, page = 25, 4
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{})
	for i := range revisions {
		store.MustSet(t, "a", fmt.Sprint(i))
	}
	name := configstoretest.Name(t, "a")
	reads := 0
	events.SetHooks(configstoretest.Hooks{ReadConfig: func(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
		reads++
		return events.Store.ReadConfig(ctx, basis, name, after, eventstore.Limit{Records: min(limit.Records, page)})
	}})
	r := store.Reader(auth.Anonymous)
	seen := 0
	if err := r.EachPage(t.Context(), name, func(revisions []*eventstore.Revision) error {
		for _, e := range revisions {
			if e.Value.String() != fmt.Sprint(seen) {
				t.Errorf("revision %d has value %q", seen, e.Value)
			}
			if want := seen/page + 1; reads != want {
				t.Errorf("revision %d came after %d reads, want %d", seen, reads, want)
			}
			seen++
		}
		return nil
	}); err != nil || seen != revisions {
		t.Errorf("%d revisions, %v, want %d", seen, err, revisions)
	}
	got, more, err := r.History(t.Context(), name, 20, 10)
	if err != nil || !more || len(got) != 10 || got[0].Version != 20 || got[9].Version != 11 {
		t.Errorf("got %d revisions, more: %t, %v", len(got), more, err)
	}

	if got, more, err = r.History(t.Context(), name, revisions+1, 10); err != nil || !more || len(got) != 10 || got[0].Version != revisions {
		t.Errorf("from a version that is not there yet: got %d revisions, more: %t, %v", len(got), more, err)
	}

	enough := errors.New("enough")
	if err := r.EachPage(t.Context(), name, func([]*eventstore.Revision) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v, want %v", err, enough)
	}
}

// TestChangesExaminesSoManyEvents has a filter that selects little of a long history: the page ends
// early and says where.
func TestChangesExaminesSoManyEvents(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	const events = 10_500
	var writing sync.WaitGroup
	for range 50 {
		writing.Go(func() {
			for range events / 50 {
				store.MustSet(t, "a", "")
			}
		})
	}
	writing.Wait()
	store.MustSet(t, "b", "")
	r := store.Reader(auth.Anonymous)
	page, err := r.Changes(t.Context(), eventstore.Position{}, filter(t, "b"), 10)
	if err != nil || len(page.Revisions) > 0 || page.Position.Seq != 10_000 || page.CaughtUp {
		t.Errorf("got %s", summary(page, err))
	}
	if page, err = r.Changes(t.Context(), page.Position, filter(t, "b"), 10); summary(page, err) != "[] to 10501, caught up: true" || len(page.Revisions) != 1 {
		t.Errorf("then %s", summary(page, err))
	}
}

// TestRevisionOfAnotherHistory asks for positions whose seq is right and whose hash is not.
func TestRevisionOfAnotherHistory(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "a", "1")
	right := store.Reader(auth.Anonymous).Head().Position()
	wrong := right
	wrong.Prefix[3]++
	for at, want := range map[eventstore.Position]bool{right: true, wrong: false, {}: false, {Seq: 2}: false, {Seq: -1}: false} {
		if got, err := store.Reader(auth.Anonymous).Revision(t.Context(), at); err != nil || (got != nil) != want {
			t.Errorf("%s: got %+v, %v", at, got, err)
		}
	}
}

func TestSnapshotsNameTheirPosition(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	if at := store.Reader(auth.Anonymous).Now().At(); at != (eventstore.Head{}) {
		t.Errorf("the beginning is at %+v", at)
	}
	out := store.MustSet(t, "a", strings.Repeat("v", 10))
	if at := store.Reader(auth.Anonymous).Now().At(); at.Position() != out.Position {
		t.Errorf("got %s, want %s", at.Position(), out.Position)
	}
}

// TestSetsWhoseEndIsElsewhere reads single events of a change set whose end is not among them: the
// end is read, too, and when that fails nothing is made up.
func TestSetsWhoseEndIsElsewhere(t *testing.T) {
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	m := &model{}
	m.appendSet(t, events.Store, []string{"a", "b", "c"}, configstoretest.Epoch)
	m.appendSet(t, events.Store, []string{"a", "b", "c"}, configstoretest.Epoch)
	history := configstoretest.MustRead(t, events)
	if _, err := store.Reader(auth.Anonymous).AsOf(t.Context(), history[5].Position()); err != nil {
		t.Fatal(err)
	}
	end := history[2].Position()
	r := store.Reader(auth.Anonymous)
	asked := readings(t, r, history[1].Position())
	// These need no ends of sets.
	for _, what := range []string{"Changes", "Configs", "Count", "AsOfTime", "RecentChanges", "RecentChanges until", "Diff", "CountDiff"} {
		delete(asked, what)
	}
	past, err := r.AsOf(t.Context(), history[0].Position())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := past.Config(t.Context(), history[0].Name); err != nil || got.ChangeSet() != end {
		t.Errorf("got %+v, %v, want a change set that ends at %s", got, err, end)
	}
	if past.At().Position() != end {
		t.Errorf("a position inside a set means %s, want the end of the set, %s", past.At().Position(), end)
	}
	events.SetHooks(configstoretest.Hooks{ReadHeads: func(ctx context.Context, basis eventstore.Head, seqs []eventstore.Seq) ([]eventstore.Head, error) {
		if slices.Contains(seqs, end.Seq) {
			return nil, configstoretest.ErrUnreachable
		}
		return events.Store.ReadHeads(ctx, basis, seqs)
	}})
	for what, ask := range asked {
		t.Run(what, func(t *testing.T) { configstoretest.MustBeKind(t, ask(), fault.Unavailable, false) })
	}
}
