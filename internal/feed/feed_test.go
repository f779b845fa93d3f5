package feed_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"weak"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
)

// mustHold fails unless the ring begins at a seq and ends at the head.
func (h *history) mustHold(first eventstore.Seq) {
	h.t.Helper()
	for _, r := range h.revisions {
		found := h.feed.Find(r.Seq)
		if r.Seq < first && found != nil || r.Seq >= first && found == nil {
			h.t.Errorf("seq %d in the ring: %t, want those from %d on", r.Seq, found != nil, first)
		}
		if found != nil && found.Seq != r.Seq {
			h.t.Errorf("Find(%d) = seq %d", r.Seq, found.Seq)
		}
	}
	for _, p := range []eventstore.Seq{-1, 0, h.head.Seq + 1} {
		if found := h.feed.Find(p); found != nil {
			h.t.Errorf("Find(%d) = seq %d, want nothing", p, found.Seq)
		}
	}
	if got := h.feed.Head(); got != h.head {
		h.t.Errorf("Head() = %s, want %s", got.Position(), h.head.Position())
	}
}

func TestEmptyFeed(t *testing.T) {
	h := newHistory(t, feed.Options{})
	h.mustHold(1)
	batch, more, err := h.cursor(0).Poll(t.Context(), 0)
	if err != nil || len(batch.Events) > 0 || !batch.CaughtUp || batch.Head != (eventstore.Head{}) {
		t.Errorf("got %+v, %v, want to be at the beginning", batch, err)
	}
	select {
	case <-more:
		t.Error("there is said to be more")
	default:
	}
}

func TestRingIsBoundedByEvents(t *testing.T) {
	for _, test := range []struct {
		sizes []int
		first eventstore.Seq
	}{
		{nil, 1},
		{[]int{1, 1, 1, 1}, 1},
		{[]int{1, 1, 1, 1, 1}, 2},
		{[]int{2, 2, 1}, 3},           // a change set leaves as a whole
		{[]int{3, 2}, 4},              //
		{[]int{1, 1, 1, 3}, 3},        //
		{[]int{4}, 1},                 //
		{[]int{9}, 1},                 // the newest change set stays, however large
		{[]int{1, 9}, 2},              //
		{[]int{9, 1}, 10},             //
		{[]int{1, 1, 9, 1, 1}, 12},    //
		{[]int{4, 4, 4, 4}, 13},       //
		{[]int{1, 2, 3, 4, 3, 1}, 11}, //
	} {
		h := newHistory(t, feed.Options{RingEvents: 4})
		h.commit(test.sizes...)
		t.Log(test.sizes)
		h.mustHold(test.first)
	}
}

func TestRingIsBoundedByBytes(t *testing.T) {
	for _, test := range []struct {
		values []int // bytes of each
		first  eventstore.Seq
	}{
		{[]int{1000, 1000}, 1},
		{[]int{1000, 1000, 1000, 1000}, 3},
		{[]int{1000, 10, 10, 10, 10, 10}, 1},
		{[]int{9000}, 1},
		{[]int{1, 9000}, 2},
		{[]int{9000, 1}, 2},
		{slices.Repeat([]int{0}, 100), 100 - 3000/256 + 1}, // an empty value takes memory, too
	} {
		h := newHistory(t, feed.Options{RingBytes: 3000})
		for i, n := range test.values {
			h.feed.Publish(h.appendSet(strings.Repeat("v", n), fmt.Sprint("n", i)))
		}
		t.Log(test.values)
		h.mustHold(test.first)
	}
}

func TestDefaultBounds(t *testing.T) {
	h := newHistory(t, feed.Options{})
	h.commit(feed.DefaultRingEvents, 1)
	h.mustHold(feed.DefaultRingEvents + 1)

	f := feed.New(feed.Options{})
	value, err := config.ParseValue(strings.Repeat("v", 1<<20), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for p := range eventstore.Seq(feed.DefaultRingBytes>>20 + 1) {
		f.Publish([]*eventstore.Revision{revision(p+1, value)})
	}
	if f.Find(2) != nil || f.Find(3) == nil {
		t.Errorf("the ring holds seq 2: %t, seq 3: %t, want the newest %d bytes", f.Find(2) != nil, f.Find(3) != nil, feed.DefaultRingBytes)
	}
}

// revision returns a revision with a seq and a value that is in no store.
func revision(p eventstore.Seq, value config.Value) *eventstore.Revision {
	r := &eventstore.Revision{Seq: p, ChangeSet: eventstore.Position{Seq: p}}
	r.Value = value
	return r
}

// TestRingLetsGoOfMemory fills the ring with many small events and then with large ones, of which
// it may hold few. The array made for the small ones must not keep large ones in memory.
func TestRingLetsGoOfMemory(t *testing.T) {
	const events, small, bytes, large, in = 2000, 256, 600_000, 60_000, 10
	value, err := config.ParseValue(strings.Repeat("v", large-small), large)
	if err != nil {
		t.Fatal(err)
	}
	for filled := events; filled < 2*events; filled += events / 10 {
		f := feed.New(feed.Options{RingEvents: events, RingBytes: bytes})
		head := eventstore.Seq(0)
		for range filled {
			head++
			f.Publish([]*eventstore.Revision{revision(head, config.Value{})})
		}
		var published []weak.Pointer[eventstore.Revision]
		for range 500 {
			head++
			r := revision(head, value)
			published = append(published, weak.Make(r))
			f.Publish([]*eventstore.Revision{r})
		}
		runtime.GC()
		kept := 0
		for _, p := range published {
			if p.Value() != nil {
				kept++
			}
		}
		if kept < in || kept > 3*in {
			t.Errorf("after %d small events: %d large ones are in memory, want about the %d that may be in the ring", filled, kept, in)
		}
		runtime.KeepAlive(f)
	}
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t, feed.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var waiting [4]chan error
		for after := range waiting {
			waiting[after] = make(chan error, 1)
			go func() { waiting[after] <- h.feed.Await(ctx, eventstore.Seq(after)) }()
		}
		mustBe := func(done int) { // done is how many must have returned
			t.Helper()
			synctest.Wait()
			for after, c := range waiting {
				if isDone := len(c) == 1; isDone != (after < done) {
					t.Errorf("at seq %d: waiting for an event after %d is over: %t", h.head.Seq, after, isDone)
				}
			}
		}
		mustBe(0)
		h.commit(1)
		mustBe(1)
		h.commit(2)
		mustBe(3)
		if err := h.feed.Await(ctx, 2); err != nil { // already published
			t.Error(err)
		}
		cancel()
		mustBe(4)
		for after, c := range waiting {
			if err := <-c; (err != nil) != (after == 3) {
				t.Errorf("waiting for an event after %d: %v", after, err)
			}
		}
		// An ended context does not matter when there is nothing to wait for.
		if err := h.feed.Await(ctx, 0); err != nil {
			t.Error(err)
		}
	})
}

func TestNegativeBoundsAreRefused(t *testing.T) {
	for _, opts := range []feed.Options{{RingEvents: -1}, {RingBytes: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("New(%+v) did not panic", opts)
				}
			}()
			feed.New(opts)
		}()
	}
}
