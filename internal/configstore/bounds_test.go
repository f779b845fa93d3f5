package configstore_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/slowtest"
)

// TestPagesOfChangesEndByBytes reads large values from the ring and from the event store, with
// filters that select all of them and few of them.
func TestPagesOfChangesEndByBytes(t *testing.T) {
	slowtest.Only(t)
	for _, ring := range []int{1, 1000} {
		store := configstoretest.New(t, configstore.Options{Feed: feed.Options{RingEvents: ring}})
		const size = 512 << 10
		var history []config.Name // :: position − 1 → name
		for i := range 24 {
			name := []string{"a", "b"}[i%2]
			store.MustSet(t, name, strings.Repeat("v", size))
			history = append(history, configstoretest.Name(t, name))
		}
		store.MustSet(t, "few", "")
		history = append(history, configstoretest.Name(t, "few"))
		r := store.Reader(auth.Anonymous)
		for _, f := range []config.Filter{{}, filter(t, "a"), filter(t, "few")} {
			var got, want []eventstore.Seq
			for after, end := (eventstore.Position{}), false; !end; {
				page, err := r.Changes(t.Context(), after, f, configstore.MaxPageSize)
				if err != nil {
					t.Fatal(err)
				}
				bytes := 0
				for _, e := range page.Revisions {
					got = append(got, e.Seq)
					bytes += len(e.Value.String()) + len(e.OldValue.String())
				}
				if most := eventstore.PageBytes + 2*size; bytes > most {
					t.Errorf("filter %q: a page of %d bytes, want at most %d", f.Prefix(), bytes, most)
				}
				after, end = page.Position, page.CaughtUp
			}
			for i, name := range history {
				if f.Matches(name) {
					want = append(want, eventstore.Seq(i+1))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("filter %q: got %v, want %v", f.Prefix(), got, want)
			}
		}
	}
}

// TestEveryStreamGetsWhatItsFilterSelects has streams with random filters wait while callers write
// random names. Each gets every change that it selects, in order and once: a waiter that is not
// woken would miss the last of them.
func TestEveryStreamGetsWhatItsFilterSelects(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 0))
	all := []string{"a", "a-b", "a.b", "a/b", "a/b/c", "a/c", "a0", "b", "b/a", "c"}
	some := func() []string {
		names := slices.Clone(all)
		dice.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		return names[:dice.IntN(4)]
	}
	store := configstoretest.New(t, configstore.Options{
		Feed: feed.Options{RingEvents: 1 + dice.IntN(200)}, ProgressInterval: time.Duration(1+dice.IntN(20)) * time.Millisecond,
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	const streams, writers, rounds = 40, 3, 60
	var reading, writing sync.WaitGroup
	for range streams {
		prefix, names := "", []string(nil)
		if dice.IntN(3) > 0 {
			prefix = append(all, "")[dice.IntN(len(all)+1)]
		}
		if dice.IntN(2) == 0 {
			names = some()
		}
		f, err := config.ParseFilter(prefix, names)
		if err != nil {
			t.Fatal(err)
		}
		watch := mustWatch(t, store, f, &eventstore.Position{})
		reading.Go(func() { mustGetAll(ctx, t, store, watch, f, writers*rounds+1) })
	}
	for w := range writers {
		order := make([]string, rounds)
		for i := range order {
			order[i] = all[dice.IntN(len(all))]
		}
		writing.Go(func() {
			for i, name := range order {
				store.MustSet(t, name, fmt.Sprint(w, i))
			}
		})
	}
	writing.Wait()
	store.MustSet(t, "end", "") // streams that do not select it end at its position
	reading.Wait()
}

// mustGetAll reads a stream up to a seq, and fails the test unless it gets every change that the
// filter selects.
func mustGetAll(ctx context.Context, t *testing.T, store *configstoretest.Store, watch *configstore.Watch, f config.Filter, end eventstore.Seq) {
	var got, want []eventstore.Seq
	for at := eventstore.Seq(0); at < end; {
		m, err := watch.Next(ctx)
		if err != nil {
			t.Errorf("prefix %q after %v: %v", f.Prefix(), got, err)
			return
		}
		for _, e := range m.Revisions {
			got = append(got, e.Seq)
		}
		at = m.Position.Seq
	}
	for _, e := range configstoretest.MustRead(t, store.Events) {
		if f.Matches(e.Name) {
			want = append(want, e.Seq)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("prefix %q: got %v, want %v", f.Prefix(), got, want)
	}
}
