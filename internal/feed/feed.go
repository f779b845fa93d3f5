// Package feed is the live stream of applied events.
//
// A [Feed] keeps the newest events in a ring. A reader is a [Cursor], not a queue: it reads the
// ring at its own pace. When it has fallen off the ring, or starts at an older head, it reads pages
// of the event store until it is on the ring again. So catching up turns into live without a gap or
// a repeat, memory is bounded, and nothing waits for a slow reader. The guarantees are those of
// etcd's watch: ordered, unique, reliable, atomic, resumable, and with progress notifications.
//
// A [Waiter] wakes a reader only for events that its filter selects. The feed itself does not
// filter events, and does not know subscribers or their rights.
package feed

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

const (
	// DefaultRingEvents is how many events the ring holds unless [Options] says otherwise.
	DefaultRingEvents = 10_000
	// DefaultRingBytes is how many bytes of values the ring holds unless [Options] says otherwise:
	// 64 MiB.
	DefaultRingBytes = 64 << 20
)

// Options are the settings of a [Feed]. Negative bounds are refused: [New] panics.
type Options struct {
	// RingEvents bounds the number of events in the ring. 0 means [DefaultRingEvents].
	RingEvents int
	// RingBytes bounds the bytes of the events in the ring, as [Size] counts them. 0 means
	// [DefaultRingBytes].
	RingBytes int
	// Codec decodes what is read from the event store. The zero Codec knows the events of configs
	// alone.
	Codec config.Codec
}

// Feed is the ring of the newest events. It wakes the readers that wait for more. It is safe for
// concurrent use.
type Feed struct {
	opts Options

	mu      sync.Mutex             // guards what is below
	ring    []*eventstore.Revision // oldest first; readers get copies of parts of it
	bytes   int                    // of the events in the ring
	head    eventstore.Head        // of the newest event published
	changed chan struct{}          // closed by the next Publish
	waiting index                  // waiters for some names only
	streams bool                   // an event of a stream that is no config was published
	// ended is why there will be no more events, nil while there may be. It is atomic because every
	// read of the config store loads it.
	ended atomic.Pointer[error]

	done        chan struct{} // closed when the feed ends
	alwaysReady chan struct{} // closed from the start, for readers that are behind
}

// New returns an empty feed.
func New(opts Options) *Feed {
	if opts.RingEvents < 0 || opts.RingBytes < 0 {
		panic(fmt.Sprintf("feed: negative bounds of the ring: %+v", opts))
	}
	if opts.RingEvents == 0 {
		opts.RingEvents = DefaultRingEvents
	}
	if opts.RingBytes == 0 {
		opts.RingBytes = DefaultRingBytes
	}
	f := &Feed{opts: opts, changed: make(chan struct{}), alwaysReady: make(chan struct{}), done: make(chan struct{}), waiting: newIndex()}
	close(f.alwaysReady)
	return f
}

// Newest returns the events in the ring, oldest first, or none if the feed has ended. The slice is
// a copy.
func (f *Feed) Newest() []*eventstore.Revision {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ring)
}

// Begin makes a new feed begin after a head: the event store has all events up to it.
func (f *Feed) Begin(head eventstore.Head) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.head = head
}

// Publish adds whole change sets, which must follow those published before, if any were, and wakes
// the readers that they concern. It never waits for a reader. After the feed has ended it does
// nothing.
func (f *Feed) Publish(revisions []*eventstore.Revision) {
	f.mu.Lock()
	defer f.mu.Unlock()

	if f.Err() != nil {
		return
	}
	f.ring = append(f.ring, revisions...)
	for _, r := range revisions {
		f.bytes += Size(r)
	}
	f.trim()
	before := f.head
	f.head = revisions[len(revisions)-1].Head()
	for _, r := range revisions {
		switch {
		case r.Stream == nil:
			f.waiting.wake(r.Name, before)
		case !f.streams:
			f.streams = true
			f.waiting.wakeAll(before)
		default:
			f.waiting.wakeBucket(f.waiting.byStream, r.Stream.Stream, before)
		}
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// End ends the feed: all readers get the reason as their error from now on. Later calls do nothing.
func (f *Feed) End(reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Err() != nil {
		return
	}
	f.ended.Store(&reason)
	f.ring = nil
	close(f.done)
	close(f.changed)
	f.changed = f.alwaysReady
}

// Err returns why the feed has ended, or nil while it has not.
func (f *Feed) Err() error {
	if reason := f.ended.Load(); reason != nil {
		return *reason
	}
	return nil
}

// Head returns the seq, hash and time of the newest published event.
func (f *Feed) Head() eventstore.Head {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.head
}

// Find returns the event with a seq, or nil if it is not in the ring.
func (f *Feed) Find(seq eventstore.Seq) *eventstore.Revision {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ring) == 0 || seq < f.ring[0].Seq || seq > f.head.Seq {
		return nil
	}
	return f.ring[seq-f.ring[0].Seq]
}

// Await returns nil when an event after a seq is published, and an error if the feed or ctx ends
// first.
func (f *Feed) Await(ctx context.Context, after eventstore.Seq) error {
	for {
		now := f.now()
		if now.ended != nil || now.head.Seq > after {
			return now.ended
		}
		select {
		case <-now.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// now returns the state of the feed without events.
func (f *Feed) now() state {
	f.mu.Lock()
	defer f.mu.Unlock()
	return state{head: f.head, changed: f.changed, ended: f.Err()}
}

// state is the ring as one reader sees it at one moment.
type state struct {
	events []*eventstore.Revision // whole change sets after the reader's seq
	// onRing is false when the ring begins after the reader's seq; events is then not set.
	onRing  bool
	head    eventstore.Head
	changed <-chan struct{}
	ended   error
}

// after returns what the ring holds after a seq, up to limit events or one whole change set.
func (f *Feed) after(seq eventstore.Seq, limit int) state {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := state{head: f.head, changed: f.changed, onRing: true, ended: f.Err()}
	if s.ended != nil || seq >= f.head.Seq {
		return s
	}
	skip := len(f.ring) - int(f.head.Seq-seq)
	if skip < 0 {
		s.onRing = false
		return s
	}
	s.events = slices.Clone(wholeSets(f.ring[skip:], limit)) // the ring reuses its array
	return s
}

// trim removes the oldest change sets until the ring is within its bounds. The newest change set
// always stays, so the ring is not empty once something was published.
func (f *Feed) trim() {
	drop := 0
	newest := f.ring[len(f.ring)-1].ChangeSet.Seq
	for len(f.ring)-drop > f.opts.RingEvents || f.bytes > f.opts.RingBytes {
		set := f.ring[drop].ChangeSet.Seq
		if set == newest {
			break
		}
		for f.ring[drop].ChangeSet.Seq == set {
			f.bytes -= Size(f.ring[drop])
			drop++
		}
	}
	clear(f.ring[:drop]) // the array keeps what is cut off until append replaces it
	f.ring = f.ring[drop:]
}

// Size returns about how many bytes of memory an event takes: its texts, and a fixed number for the
// rest.
func Size(r *eventstore.Revision) int {
	const fixed = 256
	bytes := fixed + r.Bytes()
	if r.Reason != nil {
		bytes += len(*r.Reason)
	}
	return bytes
}
