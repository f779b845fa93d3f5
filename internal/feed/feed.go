// Package feed is the live stream of applied events.
//
// A [Feed] keeps the newest events in a ring. A reader is a [Cursor], not a queue: it reads the ring at its own pace, and
// where it has fallen off the ring, or starts at an older position, it reads pages of the event store until it is on the ring
// again. So catching up turns into live with no gap and no repeat, memory is bounded, and nobody waits for a slow reader.
// The promises are those of etcd's watch: ordered, unique, reliable, atomic, resumable, and it reports progress.
package feed

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"configapi/internal/eventstore"
)

const (
	// DefaultRingEvents is how many events the ring holds unless [Options] says otherwise.
	DefaultRingEvents = 10_000
	// DefaultRingBytes is how many bytes of values the ring holds unless [Options] says otherwise: 64 MiB.
	DefaultRingBytes = 64 << 20
)

// Options of a [Feed].
type Options struct {
	// RingEvents bounds the ring by events. 0: [DefaultRingEvents].
	RingEvents int
	// RingBytes bounds the ring by bytes: of values, old ones included, of names and reasons, and
	// of the events themselves. 0: [DefaultRingBytes].
	RingBytes int
}

// Feed is the ring of the newest events, and what wakes those who wait for more.
type Feed struct {
	opts Options

	mu      sync.Mutex             // guards what is below
	ring    []*eventstore.Revision // oldest first; readers get copies of parts of it
	bytes   int                    // of the events in the ring
	head    eventstore.Head        // of the newest event published
	changed chan struct{}          // closed by the next Publish
	waiting index                  // cursors that wait for some names alone
	ended   atomic.Pointer[error]  // why there will be no more events; nil: there may be; every read of the store asks for it

	over   chan struct{} // closed when the feed ends
	closed chan struct{} // what a reader that is behind waits for
}

// New returns an empty feed.
func New(opts Options) *Feed {
	if opts.RingEvents == 0 {
		opts.RingEvents = DefaultRingEvents
	}
	if opts.RingBytes == 0 {
		opts.RingBytes = DefaultRingBytes
	}
	f := &Feed{opts: opts, changed: make(chan struct{}), closed: make(chan struct{}), over: make(chan struct{}), waiting: newIndex()}
	close(f.closed)
	return f
}

// Newest returns the events in the ring, oldest first: none once the feed has ended.
func (f *Feed) Newest() []*eventstore.Revision {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.ring)
}

// Publish adds whole change sets, which must follow those published before, if any were, and wakes the cursors
// that they concern. It never waits for one. Once the feed has ended it does nothing.
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
		f.waiting.wake(r.Name, before)
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// End ends the feed: all of its readers, at any place, get the error from now on. Only the first end counts.
func (f *Feed) End(reason error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Err() != nil {
		return
	}
	f.ended.Store(&reason)
	f.ring = nil
	close(f.over)
	close(f.changed)
	f.changed = f.closed
}

// Err is why the feed has ended, nil while it has not.
func (f *Feed) Err() error {
	if reason := f.ended.Load(); reason != nil {
		return *reason
	}
	return nil
}

// Head is the position, hash and time of the newest event published.
func (f *Feed) Head() eventstore.Head {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.head
}

// Find returns the event at a position, nil when it is not in the ring.
func (f *Feed) Find(p eventstore.Seq) *eventstore.Revision {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.ring) == 0 || p < f.ring[0].Seq || p > f.head.Seq {
		return nil
	}
	return f.ring[p-f.ring[0].Seq]
}

// Await returns nil when an event after a position was published, and an error when the feed or the context ends first.
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

// now is the state of the feed without events.
func (f *Feed) now() state {
	f.mu.Lock()
	defer f.mu.Unlock()
	return state{head: f.head, changed: f.changed, ended: f.Err()}
}

// state is the ring as one reader sees it at one moment.
type state struct {
	events  []*eventstore.Revision // whole change sets after the reader's position
	onRing  bool                   // false: the ring begins after the reader's position, events is of no use
	head    eventstore.Head
	changed <-chan struct{}
	ended   error
}

// after returns what the ring holds after a position, up to so many events or one whole change set.
func (f *Feed) after(p eventstore.Seq, limit int) state {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := state{head: f.head, changed: f.changed, onRing: true, ended: f.Err()}
	if s.ended != nil || p >= f.head.Seq {
		return s
	}
	skip := len(f.ring) - int(f.head.Seq-p)
	if skip < 0 {
		s.onRing = false
		return s
	}
	s.events = slices.Clone(wholeSets(f.ring[skip:], limit)) // the ring lets go of its events
	return s
}

// trim lets go of the oldest change sets until the ring keeps to its bounds. The newest change set always stays, so that
// the ring is never empty once something was published.
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
	clear(f.ring[:drop]) // what is cut off stays in the array until append has used the array up
	f.ring = f.ring[drop:]
}

// Size is about how many bytes of memory an event takes: its texts and a fixed number for the rest.
func Size(r *eventstore.Revision) int {
	const fixed = 256
	bytes := fixed + r.Bytes()
	if r.Reason != nil {
		bytes += len(*r.Reason)
	}
	return bytes
}
