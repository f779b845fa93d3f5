package feed_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/eventstore/memory"
	"configapi/internal/feed"
)

// seqs returns the seqs of a batch.
func seqs(batch feed.Batch) (all []eventstore.Seq) {
	for _, r := range batch.Events {
		all = append(all, r.Seq)
	}
	return all
}

// TestPoll reads change sets of 1, 2, 3, 1 and 2 events, of which the ring holds the last two or
// all.
func TestPoll(t *testing.T) {
	for _, ring := range []int{3, 100} {
		h := newHistory(t, feed.Options{RingEvents: ring})
		h.commit(1, 2, 3, 1, 2)
		for _, test := range []struct {
			after eventstore.Seq
			limit int
			want  []eventstore.Seq
			end   bool
		}{
			{0, 1, []eventstore.Seq{1}, false},
			{0, 2, []eventstore.Seq{1}, false},
			{0, 3, []eventstore.Seq{1, 2, 3}, false},
			{0, 5, []eventstore.Seq{1, 2, 3}, false},
			{0, 6, []eventstore.Seq{1, 2, 3, 4, 5, 6}, false},
			{0, 0, []eventstore.Seq{1, 2, 3, 4, 5, 6, 7, 8, 9}, true},
			{1, 1, []eventstore.Seq{2, 3}, false},
			{3, 1, []eventstore.Seq{4, 5, 6}, false},
			{3, 2, []eventstore.Seq{4, 5, 6}, false},
			{4, 1, []eventstore.Seq{5, 6}, false}, // a cursor inside a set gets the rest of it
			{6, 2, []eventstore.Seq{7}, false},
			{6, 3, []eventstore.Seq{7, 8, 9}, true},
			{7, 1, []eventstore.Seq{8, 9}, true},
			{9, 1, nil, true},
		} {
			batch, more, err := h.cursor(test.after).Poll(t.Context(), test.limit)
			if err != nil || !slices.Equal(seqs(batch), test.want) || batch.CaughtUp != test.end {
				t.Errorf("ring of %d, %d after %d: got %v, caught up: %t, %v; want %v, %t",
					ring, test.limit, test.after, seqs(batch), batch.CaughtUp, err, test.want, test.end)
			}
			if last := max(test.after, batch.Head.Seq); batch.Head != h.revisions[last-1].Head() || len(test.want) > 0 && last != test.want[len(test.want)-1] {
				t.Errorf("ring of %d, %d after %d: the batch ends at %d", ring, test.limit, test.after, batch.Head.Seq)
			}
			select {
			case <-more:
				if test.end {
					t.Errorf("ring of %d, %d after %d: there is said to be more", ring, test.limit, test.after)
				}
			default:
				if !test.end {
					t.Errorf("ring of %d, %d after %d: there is not said to be more", ring, test.limit, test.after)
				}
			}
		}
	}
}

// TestFeedThatBeginsAtAHead has no events before it: cursors read them from the store.
func TestFeedThatBeginsAtAHead(t *testing.T) {
	h := newHistory(t, feed.Options{})
	h.append(1, "before")
	h.append(2, "before")
	h.feed.Begin(h.head)
	if h.feed.Head() != h.head || len(h.feed.Newest()) > 0 || h.feed.Find(3) != nil || h.feed.Find(1) != nil {
		t.Errorf("it begins at %d with %d events", h.feed.Head().Seq, len(h.feed.Newest()))
	}
	if err := h.feed.Await(t.Context(), h.head.Seq-1); err != nil {
		t.Error(err)
	}
	for range 2 {
		for after := range h.head.Seq + 1 {
			cursor := h.cursor(after)
			var got []eventstore.Seq
			for batch := (feed.Batch{}); !batch.CaughtUp; {
				var err error
				if batch, _, err = cursor.Poll(t.Context(), 0); err != nil {
					t.Fatal(err)
				}
				got = append(got, seqs(batch)...)
			}
			if len(got) != int(h.head.Seq-after) || len(got) > 0 && got[0] != after+1 || cursor.Head() != h.head {
				t.Errorf("after %d of %d: got %v", after, h.head.Seq, got)
			}
		}
		h.commit(1)
	}
}

// TestBatchesStayAsTheyAre keeps batches of the ring while later events replace all of it.
func TestBatchesStayAsTheyAre(t *testing.T) {
	h := newHistory(t, feed.Options{RingEvents: 8})
	cursor := h.cursor(0)
	var batches []feed.Batch
	var want [][]eventstore.Seq
	for range 100 {
		h.commit(1, 2)
		batch, _, err := cursor.Poll(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		batches, want = append(batches, batch), append(want, seqs(batch))
		_ = append(batch.Events, nil) // must not write into the ring
	}
	for i, batch := range batches {
		if !slices.Equal(seqs(batch), want[i]) {
			t.Errorf("batch %d was %v and is %v", i, want[i], seqs(batch))
		}
	}
}

// TestEventIsNotReadBeforeItIsPublished has events in the store that are not in the feed.
func TestEventIsNotReadBeforeItIsPublished(t *testing.T) {
	for _, limit := range []int{1, 2, 100} {
		h := newHistory(t, feed.Options{RingEvents: 1})
		h.commit(1, 1, 2, 1)
		h.append(1, "not published")
		h.append(3, "not published")
		cursor := h.cursor(0)
		var got []eventstore.Seq
		for {
			batch, _, err := cursor.Poll(t.Context(), limit)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, seqs(batch)...)
			if batch.CaughtUp {
				break
			}
		}
		if want := []eventstore.Seq{1, 2, 3, 4, 5}; !slices.Equal(got, want) {
			t.Errorf("limit %d: got %v, want %v", limit, got, want)
		}
	}
}

func TestNextWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, feed.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan string)
		go func() {
			cursor := h.cursor(0)
			for range 3 {
				batch, err := cursor.Next(ctx, 1)
				got <- fmt.Sprint(seqs(batch), err)
			}
		}()
		synctest.Wait()
		h.commit(1, 2)
		for _, want := range []string{"[1] <nil>", "[2 3] <nil>"} {
			if got := <-got; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		synctest.Wait()
		cancel()
		if got := <-got; got != "[] context canceled" {
			t.Errorf("got %s, want %v", got, context.Canceled)
		}
	})
}

// TestCursorFailsClosed reads events that are no longer in the ring, from stores whose history was
// changed.
func TestCursorFailsClosed(t *testing.T) {
	h := newHistory(t, feed.Options{RingEvents: 1})
	h.commit(1, 1, 1, 2, 1)
	other := newHistory(t, feed.Options{})
	other.commit(1, 1, 1, 2, 1)
	unreachable := errors.New("the store is unreachable")
	for _, test := range []struct {
		what  string
		after eventstore.Seq
		read  func(after eventstore.Seq, records []eventstore.Record) ([]eventstore.Record, error)
		want  string
	}{
		{"an error", 1, func(eventstore.Seq, []eventstore.Record) ([]eventstore.Record, error) {
			return nil, unreachable
		}, "reading events after seq 1: the store is unreachable"},
		{"nothing", 1, func(eventstore.Seq, []eventstore.Record) ([]eventstore.Record, error) {
			return nil, nil
		}, "broken at position 2: its record is missing"},
		{"a gap", 1, func(_ eventstore.Seq, records []eventstore.Record) ([]eventstore.Record, error) {
			return records[1:], nil
		}, "broken at position 2: the next record has position 3"},
		{"a gap within", 1, func(_ eventstore.Seq, records []eventstore.Record) ([]eventstore.Record, error) {
			return append(records[:1], records[2:]...), nil
		}, "broken at position 3: the next record has position 4"},
		{"another value", 1, func(_ eventstore.Seq, records []eventstore.Record) ([]eventstore.Record, error) {
			records[1].Data = strings.ReplaceAll(records[1].Data, "v", "w")
			return records, nil
		}, "broken at position 3: its data does not match"},
		{"another history", 1, func(after eventstore.Seq, _ []eventstore.Record) ([]eventstore.Record, error) {
			return other.store.Read(t.Context(), after, eventstore.Limit{Records: 10})
		}, "broken at position 2: its hash does not match"},
		{"a set without its end", 3, func(after eventstore.Seq, records []eventstore.Record) ([]eventstore.Record, error) {
			if after > 3 {
				return nil, nil
			}
			return records[:1], nil
		}, "broken at position 5: its record is missing"},
	} {
		t.Run(test.what, func(t *testing.T) {
			source := faulty{h.store, func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
				records, err := h.store.Read(ctx, after, limit)
				if err != nil {
					return nil, err
				}
				return test.read(after, records)
			}}
			start := h.revisions[test.after-1].Head()
			cursor := h.feed.Cursor(source, start)
			batch, _, err := cursor.Poll(t.Context(), 0)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(batch.Events) > 0 {
				t.Errorf("got %v, %v, want error %q", seqs(batch), err, test.want)
			}
			// The cursor has not moved, so the reader can go on when the store is right again.
			again := h.feed.Cursor(h.store, start)
			if batch, _, err := again.Poll(t.Context(), 0); err != nil || batch.Events[0].Seq != test.after+1 {
				t.Errorf("afterwards: got %v, %v", seqs(batch), err)
			}
		})
	}
}

// TestCursorsCoverTheHistoryOnce publishes change sets of random sizes while cursors of all kinds
// read: fast and slow ones, from any seq, with any limit, from the ring and from pages of the store
// that are smaller than the sets.
func TestCursorsCoverTheHistoryOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(t, feed.Options{
			RingEvents: rapid.IntRange(1, 12).Draw(rt, "ring events"),
			RingBytes:  rapid.SampledFrom([]int{0, 700, 3000}).Draw(rt, "ring bytes"),
		})
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 1, 1, 2, 3, 7}), 1, 60).Draw(rt, "change sets")
		before := rapid.IntRange(0, len(sizes)-1).Draw(rt, "already there")
		borders := []eventstore.Head{{}}
		for _, n := range sizes[:before] {
			h.commit(n)
			borders = append(borders, h.head)
		}
		all := int(h.head.Seq)
		for _, n := range sizes[before:] {
			all += n
		}
		page := rapid.IntRange(1, 5).Draw(rt, "page of the store")
		source := faulty{h.store, func(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
			return h.store.Read(ctx, after, eventstore.Limit{Records: min(limit.Records, page)})
		}}
		var readers sync.WaitGroup
		for range rapid.IntRange(1, 4).Draw(rt, "readers") {
			start := rapid.SampledFrom(borders).Draw(rt, "after")
			limit := rapid.IntRange(0, 4).Draw(rt, "limit")
			pause := rapid.IntRange(0, 20).Draw(rt, "pause")
			cursor := h.feed.Cursor(source, start)
			readers.Go(func() { mustReadOnce(t, cursor, start.Seq, eventstore.Seq(all), limit, pause) })
		}
		for _, n := range sizes[before:] {
			h.commit(n)
			runtime.Gosched()
		}
		readers.Wait()
	})
}

// mustReadOnce fails unless a cursor returns each event between two seqs once and in order, in
// whole change sets. Before each read it lets other goroutines run pause times.
func mustReadOnce(t testing.TB, cursor *feed.Cursor, from, to eventstore.Seq, limit, pause int) {
	for at := from; at < to; {
		batch, err := cursor.Next(context.Background(), limit)
		if err != nil {
			t.Errorf("after seq %d: %v", at, err)
			return
		}
		for _, r := range batch.Events {
			if r.Seq != at+1 || !r.ChangeSetKnown() {
				t.Errorf("got seq %d after %d, its set is known: %t", r.Seq, at, r.ChangeSetKnown())
				return
			}
			at = r.Seq
		}
		if last := batch.Events[len(batch.Events)-1]; !last.EndsChangeSet() || batch.Head != last.Head() {
			t.Errorf("a batch ends at seq %d, within a change set, and says %d", last.Seq, batch.Head.Seq)
		}
		for range pause {
			runtime.Gosched()
		}
	}
}

// TestEnd checks that no cursor reads on when the feed has ended, wherever it is.
func TestEnd(t *testing.T) {
	over, later := errors.New("over"), errors.New("later")
	h := newHistory(t, feed.Options{RingEvents: 2})
	for range 5 {
		h.feed.Publish(h.append(1, "x"))
	}
	unpublished := h.append(1, "y")
	behind, live := h.feed.Cursor(h.store, eventstore.Head{}), h.feed.Cursor(h.store, h.feed.Head())
	ends := make(chan error, 2)
	go func() {
		_, err := live.Next(t.Context(), 0)
		ends <- err
	}()
	go func() { ends <- h.feed.Await(t.Context(), 5) }()
	if err := h.feed.Err(); err != nil {
		t.Errorf("before its end: %v", err)
	}
	h.feed.End(over)
	h.feed.End(later)
	h.feed.Publish(unpublished)
	for range 2 {
		if err := <-ends; err != over {
			t.Errorf("a waiting cursor got %v", err)
		}
	}
	if _, _, err := behind.Poll(t.Context(), 0); err != over {
		t.Errorf("a cursor that was behind got %v", err)
	}
	if err := h.feed.Await(t.Context(), 1); err != over || h.feed.Err() != over {
		t.Errorf("a wait for an event that was published got %v", err)
	}
	if h.feed.Find(5) != nil || h.feed.Head().Seq != 5 {
		t.Error("the feed has an event still, or one more")
	}
}

// A writer commits to the event store first and then publishes. A cursor reads from the ring, and
// from the store what the ring no longer has.
func Example() {
	ctx := context.Background()
	store, live := memory.New(), feed.New(feed.Options{})
	cursor := live.Cursor(store, eventstore.Head{})

	records, _ := eventstoretest.Next(eventstore.Head{}, "payments/timeout")
	if err := store.Append(ctx, eventstore.Head{}, records); err != nil {
		panic(err)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		panic(err)
	}
	live.Publish(revisions)

	batch, err := cursor.Next(ctx, feed.DefaultPage)
	for _, event := range batch.Events {
		fmt.Println(event.Seq, event.Name, event.Type)
	}
	fmt.Println(batch.CaughtUp, err)
	// Output:
	// 1 payments/timeout/1 ConfigValueSet
	// true <nil>
}
