package feed

import (
	"context"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Waiter waits for events of the names that a filter selects. Events of other names do not wake it,
// so the cost of a change does not depend on how many others wait: see BenchmarkPublish. It is for
// one goroutine at a time, and needs no closing.
type Waiter struct {
	feed   *Feed
	filter config.Filter
	stream string        // that is no config, and whose events wake it, too; "": none
	woken  chan struct{} // gets an element when a change takes the waiter out of the index

	// Guarded by the mutex of the feed:
	slots  []int           // :: key of the filter → index in its bucket; nil: not in the index
	before eventstore.Head // the head before the change that has woken the waiter
}

// Waiter returns a waiter for the events that a filter selects, and for those of one stream that is
// no config ("": of none). Such events do not count as selected ones: what [Waiter.Wait] returns
// may be after them. The first event of any such stream wakes all waiters.
func (f *Feed) Waiter(filter config.Filter, stream string) *Waiter {
	return &Waiter{feed: f, filter: filter, stream: stream, woken: make(chan struct{}, 1)}
}

// Progress makes [Waiter.Wait] also return from time to time without a selected event, so that a
// reader learns how far the history has come. The zero Progress never does.
type Progress struct {
	Sent  eventstore.Seq // the newest seq that the reader was sent
	Due   time.Time      // when to return, unless the head is still Sent
	Every time.Duration  // how long to wait again if it is
}

// Wait returns when an event that the filter selects, or one of the waiter's stream, is published
// after a head, or when progress is due. It returns at once when any event after the head was
// published before the call. The head that it returns is at or after the given one, and no event up
// to it is selected. The error is the reason of [Feed.End] or that of ctx.
func (w *Waiter) Wait(ctx context.Context, after eventstore.Head, progress Progress) (eventstore.Head, error) {
	if waits, err := w.begin(after); !waits {
		return after, err
	}
	timer := new(time.Timer)
	if progress.Every > 0 {
		timer = time.NewTimer(time.Until(progress.Due))
		defer timer.Stop()
	}
	for {
		select {
		case <-w.woken:
			return w.end(after)
		case <-w.feed.done:
			return w.end(after)
		case <-timer.C:
			if w.feed.Head().Seq > progress.Sent {
				return w.end(after)
			}
			timer.Reset(progress.Every)
		case <-ctx.Done():
			_, _ = w.end(after)
			return after, ctx.Err()
		}
	}
}

// begin adds the waiter to the index, unless there are events after a head already.
func (w *Waiter) begin(after eventstore.Head) (waits bool, err error) {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	if err := w.feed.Err(); err != nil || after.Seq < w.feed.head.Seq {
		return false, err
	}
	w.feed.waiting.add(w)
	return true, nil
}

// end takes the waiter out of the index. It returns the head up to which no event is selected. That
// is never before the head after which it waited: a change is readable before it is published, so a
// reader can be ahead of the feed.
func (w *Waiter) end(after eventstore.Head) (eventstore.Head, error) {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	reached := w.before
	if w.slots != nil { // no change has woken it
		w.feed.waiting.remove(w)
		reached = w.feed.head
	}
	select {
	case <-w.woken:
	default:
	}
	if reached.Seq < after.Seq {
		reached = after
	}
	return reached, w.feed.Err()
}

// index finds the waiters that a change of a name concerns.
type index struct {
	byName map[string][]entry // :: name → waiters for it only
	// byPrefix has, for each prefix, the waiters for that name and all names below it; "": all.
	byPrefix map[string][]entry
	byStream map[string][]entry // :: stream that is no config → waiters for it
}

// entry is a waiter in a bucket, with the number of the filter's key that the bucket is for.
type entry struct {
	waiter *Waiter
	key    int
}

func newIndex() index {
	return index{byName: make(map[string][]entry), byPrefix: make(map[string][]entry), byStream: make(map[string][]entry)}
}

// key returns the i-th key of a waiter and the map that it belongs to. exists is false when the
// waiter has fewer keys.
func (x *index) key(w *Waiter, i int) (buckets map[string][]entry, key string, exists bool) {
	if names, listed := w.filter.Names(); listed {
		if i < len(names) {
			return x.byName, names[i].String(), true
		}
		i -= len(names)
	} else {
		prefixes := w.filter.Prefixes().Texts()
		if i < len(prefixes) {
			return x.byPrefix, prefixes[i], true
		}
		i -= len(prefixes)
	}
	return x.byStream, w.stream, i == 0 && w.stream != ""
}

func (x *index) add(w *Waiter) {
	w.slots = make([]int, 0, 1)
	for i := 0; ; i++ {
		buckets, key, exists := x.key(w, i)
		if !exists {
			return
		}
		w.slots = append(w.slots, len(buckets[key]))
		buckets[key] = append(buckets[key], entry{w, i})
	}
}

// remove takes a waiter out of all its buckets. The last waiter of each bucket moves to its index
// there.
func (x *index) remove(w *Waiter) {
	for i, slot := range w.slots {
		buckets, key, _ := x.key(w, i)
		bucket := buckets[key]
		last := len(bucket) - 1
		bucket[slot] = bucket[last]
		bucket[slot].waiter.slots[bucket[slot].key] = slot
		bucket[last] = entry{}
		if buckets[key] = bucket[:last]; last == 0 {
			delete(buckets, key)
		}
	}
	w.slots = nil
}

// wake wakes all waiters for a name.
func (x *index) wake(name config.Name, before eventstore.Head) {
	if len(x.byName)+len(x.byPrefix) == 0 {
		return
	}
	text := name.String()
	x.wakeBucket(x.byName, text, before)
	x.wakeBucket(x.byPrefix, "", before)
	for i := range len(text) {
		if text[i] == '/' {
			x.wakeBucket(x.byPrefix, text[:i], before)
		}
	}
	x.wakeBucket(x.byPrefix, text, before)
}

// wakeAll wakes all waiters.
func (x *index) wakeAll(before eventstore.Head) {
	for _, buckets := range []map[string][]entry{x.byName, x.byPrefix, x.byStream} {
		for key := range buckets {
			x.wakeBucket(buckets, key, before)
		}
	}
}

func (x *index) wakeBucket(buckets map[string][]entry, key string, before eventstore.Head) {
	for bucket := buckets[key]; len(bucket) > 0; bucket = buckets[key] {
		w := bucket[len(bucket)-1].waiter
		x.remove(w)
		w.before = before
		w.woken <- struct{}{} // never blocks: the channel is empty while the waiter is in the index
	}
}
