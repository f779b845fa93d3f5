package configstore_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
)

// TestComparisonsTakeTurns has more comparisons than run at once. The store is slow: it gets the
// reads of those that came first, and the others still get their answers after them.
func TestComparisonsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := configstoretest.NewFaulty()
		store := configstoretest.On(t, events, configstore.Options{Feed: feed.Options{RingEvents: 1}})
		first := store.MustSet(t, "a", "1")
		store.MustSet(t, "a", "2")
		reading, read := make(chan struct{}, 100), make(chan struct{})
		events.SetHooks(configstoretest.Hooks{ReadAsOf: func(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
			reading <- struct{}{}
			<-read
			return events.Store.ReadAsOf(ctx, basis, q, limit)
		}})
		const pages, counts, turns = 6, 4, 4
		var asking sync.WaitGroup
		for i := range pages + counts {
			r := store.Reader(auth.Anonymous)
			q := configstore.DiffQuery{From: mustBeAt(t, r, first), To: r.Now()}
			asking.Go(func() {
				var n int
				var err error
				if i < pages {
					var page configstore.DiffPage
					page, err = r.Diff(t.Context(), q, "", 10, false)
					n = len(page.Differences)
				} else {
					n, err = r.CountDiff(t.Context(), q)
				}
				if err != nil || n != 1 {
					t.Errorf("got %d differences, %v, want 1", n, err)
				}
			})
		}
		synctest.Wait()
		if got := len(reading); got != turns {
			t.Errorf("%d comparisons read at once, want %d", got, turns)
		}
		close(read)
		asking.Wait()

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := store.Reader(auth.Anonymous)
		if _, err := r.Diff(ctx, configstore.DiffQuery{From: r.Now(), To: r.Now()}, "", 10, false); err == nil {
			t.Error("a comparison whose ctx has ended got a turn")
		}
	})
}
