package configstore_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
)

// TestRecentChangesExaminesSoManyEvents has a filter that selects little of a long history: the
// page ends short and says where.
func TestRecentChangesExaminesSoManyEvents(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	store.MustSet(t, "b/x", "")
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
	r := store.Reader(auth.Anonymous)
	below := configstore.ChangeFilter{Configs: mustFilter(t, "b")}
	page, err := r.RecentChanges(t.Context(), below, 0, 10)
	if err != nil || len(page.Revisions) > 0 || page.End != 502 || !page.More {
		t.Errorf("got %+v, %v, want an empty page that ends at 502", page, err)
	}
	if page, err = r.RecentChanges(t.Context(), below, page.End, 10); err != nil || len(page.Revisions) != 1 || page.More {
		t.Errorf("then got %+v, %v, want the first change and no more", page, err)
	}
	named := configstore.ChangeFilter{Configs: mustFilter(t, "", "b/x")}
	if page, err = r.RecentChanges(t.Context(), named, 0, 10); err != nil || len(page.Revisions) != 1 || page.More {
		t.Errorf("by name: got %+v, %v, want the first change at once", page, err)
	}
}

// TestPagesOfRecentChangesEndByBytes has values of 1 MiB, and old values that are as large.
func TestPagesOfRecentChangesEndByBytes(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	const all = 10
	for i := range all {
		store.MustSet(t, "a", strings.Repeat(string(rune('a'+i)), config.DefaultMaxValueBytes))
	}
	r := store.Reader(auth.Anonymous)
	found := 0
	for page := (configstore.RecentPage{More: true}); page.More; {
		var err error
		if page, err = r.RecentChanges(t.Context(), configstore.ChangeFilter{}, page.End, configstore.MaxPageSize); err != nil {
			t.Fatal(err)
		}
		if n := bytesOf(page.Revisions); n > configstore.PageBytes || len(page.Revisions) > 0 && page.Revisions[0].Version != config.Version(all-found) {
			t.Errorf("got %d changes of %d bytes after %d", len(page.Revisions), n, found)
		}
		found += len(page.Revisions)
	}
	if found != all {
		t.Errorf("got %d changes, want %d", found, all)
	}
}

// TestRecentChangesOfNothingReadNothing: an empty list selects nothing.
func TestRecentChangesOfNothingReadNothing(t *testing.T) {
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{})
	r := store.Reader(auth.Anonymous)
	if page, err := r.RecentChanges(t.Context(), configstore.ChangeFilter{}, 0, 10); err != nil || len(page.Revisions) > 0 || page.More {
		t.Errorf("of an empty history: got %+v, %v", page, err)
	}
	store.MustSet(t, "a", "1")
	r = store.Reader(auth.Anonymous)
	events.SetHooks(configstoretest.Hooks{ReadBack: func(context.Context, eventstore.Head, eventstore.Back, eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
		t.Error("the event store was asked")
		return nil, 0, nil
	}})
	nothing, err := config.ParseFilter("", []string{})
	if err != nil {
		t.Fatal(err)
	}
	for what, filter := range map[string]configstore.ChangeFilter{
		"no names": {Configs: nothing}, "no operations": {Operations: []config.Operation{}}, "an empty time": {Until: new(configstoretest.Epoch.AddDate(-1, 0, 0))},
	} {
		if page, err := r.RecentChanges(t.Context(), filter, 0, 10); err != nil || len(page.Revisions) > 0 || page.More {
			t.Errorf("%s: got %+v, %v", what, page, err)
		}
	}
}

// TestRecentChangesBelongToTheirSets reads single events of a change set whose end is not among
// them.
func TestRecentChangesBelongToTheirSets(t *testing.T) {
	events := configstoretest.NewFaulty()
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	new(model).appendSet(t, events.Store, []string{"a/x", "a/y", "b"}, configstoretest.Epoch)
	end := configstoretest.MustRead(t, events)[2].Position()
	configstoretest.MustReach(t, store, end)
	store.MustSet(t, "z", "1") // the end is not in the feed any more
	reads := 0
	events.SetHooks(configstoretest.Hooks{ReadHeads: func(ctx context.Context, basis eventstore.Head, seqs []eventstore.Seq) ([]eventstore.Head, error) {
		reads += len(seqs)
		return events.Store.ReadHeads(ctx, basis, seqs)
	}})
	page, err := store.Reader(auth.Anonymous).RecentChanges(t.Context(), configstore.ChangeFilter{Configs: mustFilter(t, "a")}, 0, 10)
	if err != nil || len(page.Revisions) != 2 {
		t.Fatalf("got %+v, %v", page, err)
	}
	for _, r := range page.Revisions {
		if r.ChangeSet != end {
			t.Errorf("%s is of the change set %s, want %s", r.Name, r.ChangeSet, end)
		}
	}
	if reads != 1 {
		t.Errorf("the end of the set was read %d times", reads)
	}
}
