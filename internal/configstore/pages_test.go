package configstore_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
	"configapi/internal/slowtest"
)

// TestPagesEndByBytes has values of 1 MiB, of which a page holds eight, although it may hold more
// by number.
func TestPagesEndByBytes(t *testing.T) {
	slowtest.Only(t)
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	const all = 18
	large := strings.Repeat("v", config.DefaultMaxValueBytes)
	for i := range all {
		store.MustSet(t, fmt.Sprintf("n%02d", i), large)
		store.MustSet(t, "one", large)
	}
	then := store.Reader(auth.Anonymous).Head().Position()
	mustEndByBytes(t, store.Reader(auth.Anonymous), all+1)
	for i := range all {
		store.MustSet(t, fmt.Sprintf("n%02d", i), "small")
	}
	r := store.Reader(auth.Anonymous)
	past, err := r.AsOf(t.Context(), then)
	if err != nil {
		t.Fatal(err)
	}
	names, pages := 0, 0
	for page := (configstore.ConfigPage{More: true}); page.More; pages++ {
		if page, err = past.Configs(t.Context(), config.Filter{}, page.End, configstore.MaxPageSize); err != nil {
			t.Fatal(err)
		}
		bytes := 0
		for _, c := range page.Configs {
			bytes += len(c.Name.String()) + len(c.Value.String())
		}
		mustFit(t, "configs", len(page.Configs), bytes)
		names += len(page.Configs)
	}
	if names != all+1 || pages != 3 {
		t.Errorf("got %d configs on %d pages, want %d on 3", names, pages, all+1)
	}

	var versions int
	for newest, more := config.Version(0), true; more; {
		var page []*eventstore.Revision
		if page, more, err = r.History(t.Context(), configstoretest.Name(t, "one"), newest, configstore.MaxPageSize); err != nil {
			t.Fatal(err)
		}
		mustFit(t, "history", len(page), bytesOf(page))
		versions += len(page)
		newest = page[len(page)-1].Version - 1
	}
	if versions != all {
		t.Errorf("got %d versions, want %d", versions, all)
	}

	changes, found := 0, configstore.Changes{}
	for !found.CaughtUp {
		if found, err = r.Changes(t.Context(), found.Position, config.Filter{}, configstore.MaxPageSize); err != nil {
			t.Fatal(err)
		}
		mustFit(t, "changes", len(found.Revisions), bytesOf(found.Revisions))
		changes += len(found.Revisions)
	}
	if changes != 3*all {
		t.Errorf("got %d changes, want %d", changes, 3*all)
	}
}

// TestPagesOfAStreamedPast: all configs of a position come in pages of at most 1 MiB when they have
// to be read, and a page has one config at least.
func TestPagesOfAStreamedPast(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	const all, size = 10, 300 << 10
	for i := range all {
		store.MustSet(t, fmt.Sprintf("n%d", i), strings.Repeat("v", size))
	}
	store.MustSet(t, "n99", strings.Repeat("v", config.DefaultMaxValueBytes))
	then := store.Reader(auth.Anonymous)
	for i := range all {
		store.MustDelete(t, fmt.Sprintf("n%d", i))
	}
	store.MustSet(t, "n99", "small")
	past, err := store.Reader(auth.Anonymous).AsOf(t.Context(), then.Head().Position())
	if err != nil {
		t.Fatal(err)
	}
	sizes := func(s *configstore.Snapshot) (sizes []int) {
		t.Helper()
		err := s.EachPage(t.Context(), filter(t, ""), func(page []*projection.Config) error {
			sizes = append(sizes, len(page))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return sizes
	}
	if got := sizes(past); fmt.Sprint(got) != "[3 3 3 1 1]" || !past.IsPast() {
		t.Errorf("the past comes in pages of %v", got)
	}
	if got := sizes(then.Now()); fmt.Sprint(got) != "[11]" || then.Now().IsPast() {
		t.Errorf("what is in memory comes in pages of %v", got)
	}
	enough := errors.New("enough")
	pages := 0
	err = past.EachPage(t.Context(), filter(t, ""), func([]*projection.Config) error {
		pages++
		return enough
	})
	if !errors.Is(err, enough) || pages != 1 {
		t.Errorf("got %v after %d pages", err, pages)
	}
}

func bytesOf(revisions []*eventstore.Revision) (n int) {
	for _, r := range revisions {
		n += len(r.Name.String()) + len(r.Value.String()) + len(r.OldValue.String())
	}
	return n
}

func mustFit(t *testing.T, what string, items, bytes int) {
	t.Helper()
	if items == 0 || bytes > configstore.PageBytes {
		t.Errorf("a page of %s holds %d items of %d bytes", what, items, bytes)
	}
}

// TestLargeChangeSetIsOnePage has a set of more changes than are asked for: it comes whole, and
// alone.
func TestLargeChangeSetIsOnePage(t *testing.T) {
	events := configstoretest.NewFaulty()
	m := &model{}
	m.appendSet(t, events.Store, []string{"a"}, configstoretest.Epoch)
	m.appendSet(t, events.Store, []string{"a", "b", "c"}, configstoretest.Epoch)
	m.appendSet(t, events.Store, []string{"a"}, configstoretest.Epoch)
	store := configstoretest.On(t, events, configstore.Options{})
	var sizes []int
	for found := (configstore.Changes{}); !found.CaughtUp; {
		var err error
		if found, err = store.Reader(auth.Anonymous).Changes(t.Context(), found.Position, config.Filter{}, 1); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(found.Revisions))
	}
	if fmt.Sprint(sizes) != "[1 3 1]" {
		t.Errorf("got pages of %v, want whole sets", sizes)
	}
}

// TestEmptyPages has so many configs that did not exist at the position that a page ends among
// them. The page says where to continue.
func TestEmptyPages(t *testing.T) {
	const gone = 3200
	store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	var group sync.WaitGroup
	each := func(do func(name string)) {
		for worker := range 8 {
			group.Go(func() {
				for i := worker; i < gone; i += 8 {
					do(fmt.Sprintf("n%04d", i))
				}
			})
		}
		group.Wait()
	}
	each(func(name string) { store.MustSet(t, name, "1"); store.MustDelete(t, name) })
	store.MustSet(t, "z", "1")
	then := store.Reader(auth.Anonymous).Head().Position()
	each(func(name string) { store.MustRestore(t, name) })
	past, err := store.Reader(auth.Anonymous).AsOf(t.Context(), then)
	if err != nil {
		t.Fatal(err)
	}
	first, err := past.Configs(t.Context(), config.Filter{}, "", 10)
	if err != nil || len(first.Configs) != 0 || !first.More || first.End == "" {
		t.Fatalf("got %d configs, more: %t, after %q, %v, want an empty page and more", len(first.Configs), first.More, first.End, err)
	}
	second, err := past.Configs(t.Context(), config.Filter{}, first.End, 10)
	if err != nil || len(second.Configs) != 1 || second.More {
		t.Fatalf("got %d configs, more: %t, %v, want one and no more", len(second.Configs), second.More, err)
	}
}

// TestNamesAndCountsAreReadWithoutData records what the event store is asked for.
func TestNamesAndCountsAreReadWithoutData(t *testing.T) {
	events := configstoretest.NewFaulty()
	var asked []eventstore.AsOf
	events.SetHooks(configstoretest.Hooks{ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
		asked = append(asked, q)
		return events.Store.ReadAsOf(ctx, basis, q, limit)
	}})
	store := configstoretest.On(t, events, configstore.Options{})
	store.MustSet(t, "a", "1")
	store.MustSet(t, "gone", "1")
	store.MustDelete(t, "gone")
	then := store.Reader(auth.Anonymous).Head().Position()
	store.MustSet(t, "a", "2")
	store.MustRestore(t, "gone")
	past, err := store.Reader(auth.Anonymous).AsOf(t.Context(), then)
	if err != nil {
		t.Fatal(err)
	}
	page, err := past.WithoutValues().Configs(t.Context(), config.Filter{}, "", 10)
	if err != nil || len(page.Configs) != 1 || page.Configs[0].Name.String() != "a" || page.Configs[0].Version != 1 {
		t.Errorf("without values: got %v, %v", page.Configs, err)
	}
	if n, err := past.Count(t.Context(), config.Filter{}); err != nil || n != 1 {
		t.Errorf("counted %d, %v, want 1", n, err)
	}
	for _, q := range asked {
		if !q.NoData {
			t.Errorf("the data of %q was read", q.Names)
		}
	}
	asked = nil
	page, err = past.Configs(t.Context(), config.Filter{}, "", 10)
	if err != nil || len(page.Configs) != 1 || page.Configs[0].Value.String() != "1" || asked[0].NoData {
		t.Errorf("with values: got %v, %v", page.Configs, err)
	}
}

// TestOneRequestTakesFewTurns has a request with many reads of the past: it makes two of them at
// once, and finds each snapshot once.
func TestOneRequestTakesFewTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{})
		for range 3 {
			store.MustSet(t, "a", "1")
			time.Sleep(time.Second)
		}
		var mu sync.Mutex // guards what is below
		running, most, instants := 0, 0, 0
		read := func() {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			running--
			mu.Unlock()
		}
		events.SetHooks(configstoretest.Hooks{
			ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
				read()
				return events.Store.ReadAsOf(ctx, basis, q, limit)
			},
			ReadInstant: func(ctx context.Context, basis eventstore.Head, instant time.Time) (eventstore.Record, error) {
				instants++
				read()
				return events.Store.ReadInstant(ctx, basis, instant)
			},
		})
		r := store.Reader(auth.Anonymous)
		var reading sync.WaitGroup
		for range 50 {
			reading.Go(func() {
				past, err := r.AsOfTime(t.Context(), r.Head().RecordedAt.Add(-time.Second))
				if err == nil {
					_, err = past.Config(t.Context(), configstoretest.Name(t, "a"))
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		reading.Wait()
		if most > 2 || instants != 1 {
			t.Errorf("%d reads at once, and %d look-ups of one instant, want 2 at most and 1", most, instants)
		}
	})
}

// TestStreamsWaitWhileTheStoreIsBusy shows that a busy event store delays streams and does not end
// them, although it refuses other reads.
func TestStreamsWaitWhileTheStoreIsBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
		for range 5 {
			store.MustSet(t, "a", "1")
		}
		synctest.Wait()
		events.SetHooks(configstoretest.Hooks{Wait: configstoretest.Silent().Wait, Read: func(context.Context, eventstore.Seq, eventstore.Limit) ([]eventstore.Record, error) {
			return nil, fmt.Errorf("reading: %w", eventstore.ErrBusy)
		}})
		time.AfterFunc(time.Minute, func() { events.SetHooks(configstoretest.Hooks{}) })
		_, err := store.Reader(auth.Anonymous).Changes(t.Context(), eventstore.Position{}, config.Filter{}, 10)
		configstoretest.MustBeKind(t, err, fault.Unavailable, false)
		if err == nil || !strings.Contains(err.Error(), "too many reads") {
			t.Errorf("a page: got %v, want it to say why", err)
		}
		found, err := mustWatch(t, store, config.Filter{}, &eventstore.Position{}).Next(t.Context())
		if err != nil || len(found.Revisions) == 0 {
			t.Errorf("a stream: got %d changes, %v", len(found.Revisions), err)
		}
	})
}

// TestReadOfAnotherHistoryWakesTheFollower replaces the history of a node that is not notified of
// new records. The first read of the past that notices it begins the rebuild.
func TestReadOfAnotherHistoryWakesTheFollower(t *testing.T) {
	events := configstoretest.NewFaulty()
	events.SetHooks(configstoretest.Silent())
	store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
	other := configstoretest.New(t, configstore.Options{})
	for range 3 {
		store.MustSet(t, "a", "lost")
		other.MustSet(t, "a", "new")
	}
	rebuilt := make(chan struct{}, 1)
	store.OnRebuild(func() { rebuilt <- struct{}{} })
	if err := events.Replace(other.Reader(auth.Anonymous).Head(), mustReadRecords(t, other.Events)); err != nil {
		t.Fatal(err)
	}
	_, _, err := store.Reader(auth.Anonymous).History(t.Context(), configstoretest.Name(t, "a"), 0, 10)
	configstoretest.MustBeKind(t, err, fault.Unavailable, false)
	select {
	case <-rebuilt:
	case <-time.After(20 * time.Second):
		t.Fatal("the follower was not woken")
	}
}
