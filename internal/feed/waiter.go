package feed

import (
	"context"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Waiter waits for events of the names that a filter selects. Events of other names do not wake it,
// so a change costs only those whom it concerns, however many wait. It is for one goroutine, and
// needs no closing.
type Waiter struct {
	feed   *Feed
	filter config.Filter
	woken  chan struct{} // gets an element when the waiter is taken out of the index by a change

	// Guarded by the mutex of the feed:
	places []int           // :: which of the filter's keys → place in its bucket; nil: not in the index
	before eventstore.Head // of the newest event before the change that has woken the waiter
}

// Waiter returns a waiter for the events that a filter selects.
func (f *Feed) Waiter(filter config.Filter) *Waiter {
	return &Waiter{feed: f, filter: filter, woken: make(chan struct{}, 1)}
}

// Progress lets a waiter return although nothing that it waits for has happened, so that a reader
// learns how far the history has come. The zero Progress never does.
type Progress struct {
	Sent  eventstore.Seq // the newest seq that the reader has been sent
	Due   time.Time      // when to return, unless the head is still Sent
	Every time.Duration  // how long to wait again then
}

// Wait returns when something that the filter selects was published after a head, or when
// progress is due. It returns at once when anything at all was published before it was called. It
// returns a head from the position on, up to which there is nothing that the filter selects. The
// error says that the feed or the context has ended.
func (w *Waiter) Wait(ctx context.Context, after eventstore.Head, b Progress) (eventstore.Head, error) {
	if waits, err := w.begin(after); !waits {
		return after, err
	}
	timer := new(time.Timer)
	if b.Every > 0 {
		timer = time.NewTimer(time.Until(b.Due))
		defer timer.Stop()
	}
	for {
		select {
		case <-w.woken:
			return w.end()
		case <-w.feed.over:
			return w.end()
		case <-timer.C:
			if w.feed.Head().Seq > b.Sent {
				return w.end()
			}
			timer.Reset(b.Every)
		case <-ctx.Done():
			_, _ = w.end()
			return after, ctx.Err()
		}
	}
}

// begin puts the waiter into the index unless there is something after a position already.
func (w *Waiter) begin(after eventstore.Head) (waits bool, err error) {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	if err := w.feed.Err(); err != nil || after.Seq < w.feed.head.Seq {
		return false, err
	}
	w.feed.waiting.add(w)
	return true, nil
}

// end takes the waiter out of the index, and returns up to where there is nothing for it.
func (w *Waiter) end() (eventstore.Head, error) {
	w.feed.mu.Lock()
	defer w.feed.mu.Unlock()
	if w.places != nil { // nothing has woken it
		w.feed.waiting.remove(w)
		return w.feed.head, w.feed.Err()
	}
	select {
	case <-w.woken:
	default:
	}
	return w.before, w.feed.Err()
}

// index finds the waiters for a change of a name.
type index struct {
	byName   map[string][]entry // :: name → waiters for it alone
	byPrefix map[string][]entry // :: prefix → waiters for that name and all names below it; "" is above all
}

// entry is a waiter in a bucket, and which of its filter's keys the bucket is of.
type entry struct {
	waiter *Waiter
	key    int
}

func newIndex() index {
	return index{byName: make(map[string][]entry), byPrefix: make(map[string][]entry)}
}

// key returns one of the keys of a waiter and the map that it is in, false when it has fewer keys.
func (x *index) key(w *Waiter, i int) (buckets map[string][]entry, key string, exists bool) {
	names, listed := w.filter.Names()
	switch {
	case listed && i < len(names):
		return x.byName, names[i].String(), true
	case !listed && i == 0:
		return x.byPrefix, w.filter.Prefix(), true
	}
	return nil, "", false
}

func (x *index) add(w *Waiter) {
	w.places = make([]int, 0, 1)
	for i := 0; ; i++ {
		buckets, key, exists := x.key(w, i)
		if !exists {
			return
		}
		w.places = append(w.places, len(buckets[key]))
		buckets[key] = append(buckets[key], entry{w, i})
	}
}

// remove takes a waiter out of all its buckets. The last one of each bucket takes its place there.
func (x *index) remove(w *Waiter) {
	for i, place := range w.places {
		buckets, key, _ := x.key(w, i)
		bucket := buckets[key]
		last := len(bucket) - 1
		bucket[place] = bucket[last]
		bucket[place].waiter.places[bucket[place].key] = place
		bucket[last] = entry{}
		if buckets[key] = bucket[:last]; last == 0 {
			delete(buckets, key)
		}
	}
	w.places = nil
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

func (x *index) wakeBucket(buckets map[string][]entry, key string, before eventstore.Head) {
	for bucket := buckets[key]; len(bucket) > 0; bucket = buckets[key] {
		w := bucket[len(bucket)-1].waiter
		x.remove(w)
		w.before = before
		w.woken <- struct{}{} // has room: the waiter was in the index
	}
}
