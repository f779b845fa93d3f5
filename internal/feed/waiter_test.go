package feed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
)

func mustFilter(t testing.TB, prefix string, names []string) config.Filter {
	t.Helper()
	filter, err := config.ParseFilter(prefix, names)
	if err != nil {
		t.Fatal(err)
	}
	return filter
}

// waited is the result of a wait.
type waited struct {
	head eventstore.Head
	err  error
	done bool
}

func wait(ctx context.Context, f *feed.Feed, filter config.Filter, b feed.Progress) *waited {
	return waitFor(ctx, f, filter, "", b)
}

// waitFor waits for events of a stream that is no config, too.
func waitFor(ctx context.Context, f *feed.Feed, filter config.Filter, stream string, b feed.Progress) *waited {
	w := new(waited)
	at := f.Head()
	go func() {
		w.head, w.err = f.Waiter(filter, stream).Wait(ctx, at, b)
		w.done = true
	}()
	return w
}

// TestWakesOnlyMatchingWaiters publishes one name after the other while waiters with all kinds
// of filters wait.
func TestWakesOnlyMatchingWaiters(t *testing.T) {
	filters := []struct {
		prefix string
		names  []string
		within []string // prefixes; nil: all
	}{
		{"", nil, nil}, {"a", nil, nil}, {"a/b", nil, nil}, {"a-b", nil, nil}, {"b", nil, nil}, {"a/b/c", nil, nil},
		{"", []string{"a"}, nil}, {"", []string{"b", "a/b", "a"}, nil}, {"a", []string{"b", "a/b"}, nil}, {"", []string{}, nil}, {"", []string{"a/b/c", "a/b/c"}, nil},
		{"", nil, []string{"a", "b/c"}}, {"", nil, []string{"b", "a/b/d", "a-b"}}, {"a", nil, []string{"a/b/c", "a/b/d", "b"}}, {"", nil, []string{}},
		{"", []string{"b", "a/b", "a"}, []string{"a/b", "b"}},
	}
	parse := func(i int) config.Filter {
		filter := mustFilter(t, filters[i].prefix, filters[i].names)
		if filters[i].within != nil {
			filter = filter.Within(config.Below(filters[i].within...))
		}
		return filter
	}
	for _, text := range []string{"a", "a/b", "a/b/c", "a/b/d", "a-b", "a0", "b", "b/c"} {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t, feed.Options{})
			h.commit(1)
			ctx, cancel := context.WithCancel(t.Context())
			before := h.feed.Head()
			var waits []*waited
			for range 3 { // with equal filters
				for i := range filters {
					waits = append(waits, wait(ctx, h.feed, parse(i), feed.Progress{}))
				}
			}
			synctest.Wait()
			h.feed.Publish(h.appendNamed("other", "other/x"))
			synctest.Wait()
			between := h.feed.Head()
			h.feed.Publish(h.appendNamed("other", text, "other"))
			synctest.Wait()
			name, err := config.ParseName(text)
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range waits {
				f := filters[i%len(filters)]
				filter := parse(i % len(filters))
				want := between // the head before the change that has woken it
				if filter.All() {
					want = before
				}
				if selected := filter.Matches(name); w.done != selected || selected && (w.err != nil || w.head != want) {
					t.Errorf("%s for %+v: woken: %t with %s, %v; want %t with %s", text, f, w.done, w.head.Position(), w.err, selected, want.Position())
				}
			}
			cancel()
			synctest.Wait()
			if i := slices.IndexFunc(waits, func(w *waited) bool { return !w.done }); i >= 0 {
				t.Errorf("%+v still waits although its context has ended", filters[i%len(filters)])
			}
		})
	}
}

// TestWakesTheWaitersOfAStream: an event of a stream that is no config wakes those that wait for
// that stream, and the first event of any such stream wakes all.
func TestWakesTheWaitersOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, feed.Options{})
		h.commit(1)
		publish := func(stream string) {
			seq := h.feed.Head().Seq + 1
			h.feed.Publish([]*eventstore.Revision{{Seq: seq, ChangeSet: eventstore.Position{Seq: seq}, Stream: &config.StreamEvent{Stream: stream}}})
			synctest.Wait()
		}
		var waits []*waited
		begin := func() {
			waits = nil
			for _, stream := range []string{"$token/a", "$token/b", ""} {
				waits = append(waits, waitFor(t.Context(), h.feed, mustFilter(t, "p", nil), stream, feed.Progress{}))
			}
			synctest.Wait()
		}
		want := func(what string, done ...bool) {
			t.Helper()
			for i, w := range waits {
				if w.done != done[i] || w.err != nil {
					t.Errorf("%s: waiter %d: woken: %t, %v, want %t", what, i, w.done, w.err, done[i])
				}
			}
		}
		begin()
		publish("$token/c")
		want("the first event of any stream", true, true, true)
		begin()
		publish("$token/c")
		want("another stream", false, false, false)
		publish("$token/b")
		want("its stream", false, true, false)
		publish("$token/a")
		want("the other one", true, true, false)
		h.feed.Publish(h.appendNamed("p/x"))
		synctest.Wait()
		want("a selected name", true, true, true)
	})
}

// TestWaitersOfAnEndedFeed ends the feed before and during waits, also waits for events that can
// never come.
func TestWaitersOfAnEndedFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, feed.Options{})
		h.commit(1)
		reason := errors.New("over")
		filters := []config.Filter{{}, mustFilter(t, "a", nil), mustFilter(t, "", []string{"a", "b"}), mustFilter(t, "", []string{})}
		var waits []*waited
		for _, filter := range filters {
			waits = append(waits, wait(t.Context(), h.feed, filter, feed.Progress{}))
		}
		synctest.Wait()
		h.feed.End(reason)
		for _, filter := range filters {
			waits = append(waits, wait(t.Context(), h.feed, filter, feed.Progress{}))
		}
		synctest.Wait()
		for i, w := range waits {
			if !w.done || !errors.Is(w.err, reason) {
				t.Errorf("waiter %d: done: %t, %v", i, w.done, w.err)
			}
		}
	})
}

// TestWaitersReportProgress makes progress due with and without events that are not selected.
func TestWaitersReportProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, feed.Options{})
		h.commit(1)
		started, sent := time.Now(), h.head.Seq
		b := feed.Progress{Sent: sent, Due: started.Add(3 * time.Second), Every: 10 * time.Second}
		w := wait(t.Context(), h.feed, mustFilter(t, "a", nil), b)
		time.Sleep(4 * time.Second) // due, but the head is still Sent
		h.feed.Publish(h.appendNamed("other"))
		time.Sleep(8 * time.Second)
		if synctest.Wait(); w.done {
			t.Error("returned before it was due again")
		}
		h.feed.Publish(h.appendNamed("other"))
		time.Sleep(time.Second + 1)
		if synctest.Wait(); !w.done || w.err != nil || w.head != h.head {
			t.Errorf("after %v: %+v, want it to return at %s", time.Since(started), w, h.head.Position())
		}
	})
}

// TestWaitReturnsAtOnce checks that a wait returns at once when an event came before it.
// TestReaderAheadOfTheFeed has a reader start at a change that it could read, but that is published
// only while it waits.
func TestReaderAheadOfTheFeed(t *testing.T) {
	for name, progress := range map[string]feed.Progress{"woken by the change": {}, "when progress is due": {Due: time.Now(), Every: time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t, feed.Options{})
			h.commit(1)
			next := h.append(1, "v")
			cursor := h.cursor(2)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() { _ = cursor.Await(ctx, h.feed.Waiter(config.Filter{}, ""), progress) }()
			time.Sleep(time.Minute)
			h.feed.Publish(next)
			synctest.Wait()
			cancel()
			synctest.Wait()
			h.feed.Publish(h.append(1, "v"))
			batch, _, err := cursor.Poll(t.Context(), 0)
			if got := seqs(batch); err != nil || !slices.Equal(got, []eventstore.Seq{3}) {
				t.Errorf("%s: got %v, %v, want only what it has not read", name, got, err)
			}
		})
	}
}

func TestWaitReturnsAtOnce(t *testing.T) {
	h := newHistory(t, feed.Options{})
	h.commit(1, 1)
	first := h.revisions[0].Head()
	if got, err := h.feed.Waiter(mustFilter(t, "a", nil), "").Wait(t.Context(), first, feed.Progress{}); err != nil || got != first {
		t.Errorf("got %s, %v, want %s", got.Position(), err, first.Position())
	}
}

// BenchmarkPublish publishes to 10,000 waiters with 100 names or one prefix each, none of which the
// event concerns.
func BenchmarkPublish(b *testing.B) {
	h := newHistory(b, feed.Options{})
	h.commit(1)
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for i := range 10_000 {
		names := make([]string, 100)
		for n := range names {
			names[n] = fmt.Sprintf("w%d/n%d", i, n)
		}
		filter := mustFilter(b, "", names)
		if i%2 == 0 {
			filter = mustFilter(b, fmt.Sprintf("w%d", i), nil)
		}
		go func() { _, _ = h.feed.Waiter(filter, "").Wait(ctx, h.feed.Head(), feed.Progress{}) }()
	}
	for b.Loop() {
		h.commit(1)
	}
}
