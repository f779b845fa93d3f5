package configstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

// requestReads is how many reads of the past one request makes of the event store at once. Its
// other reads wait here, so that a request with thousands of reads does not fill the query queue
// that all requests share.
const requestReads = 2

// request is what the reads of one request share: their turns, and the snapshots they have found.
type request struct {
	turns     *semaphore.Weighted
	snapshots SnapshotCache
}

func newRequest() *request {
	return &request{turns: semaphore.NewWeighted(requestReads)}
}

// begin waits until the request may read. The caller must call end unless there is an error.
//
// It asks for the channel of ctx only when it has to wait, since contexts make a timer for that:
// see BenchmarkHistory of graph.
func (r *request) begin(ctx context.Context) (end func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !r.turns.TryAcquire(1) {
		if err := r.turns.Acquire(ctx, 1); err != nil {
			return nil, err
		}
	}
	return func() { r.turns.Release(1) }, nil
}

// snapshot is [SnapshotCache.Get], but an error of kind [fault.Unavailable] is not kept: the caller
// may try again.
func (r *request) snapshot(ctx context.Context, at PointInTime, find func() (*Snapshot, error)) (*Snapshot, error) {
	return r.snapshots.Get(ctx, at, func() (*Snapshot, error) {
		snapshot, err := find()
		if fault.KindOf(err) == fault.Unavailable {
			r.snapshots.forget(at)
		}
		return snapshot, err
	})
}

// PointInTime is what a snapshot is asked for by: a position or an instant, the other one being
// zero.
type PointInTime struct {
	Position eventstore.Position
	Instant  time.Time // in UTC
}

// SnapshotCache keeps the snapshots that one request has asked for. The zero value is ready to use.
// It is safe for concurrent use.
type SnapshotCache struct {
	mu      sync.Mutex                   // guards entries
	entries map[PointInTime]*cachedEntry // :: point in time → what was found, or will be
}

// cachedEntry is what was found, once done is closed.
type cachedEntry struct {
	done     chan struct{}
	snapshot *Snapshot
	err      error
}

// errFindPanicked is what a caller gets when the find of another caller has panicked.
var errFindPanicked = errors.New("finding a snapshot was cut off")

// Get returns what find returns for a point in time, or has returned before, errors included. A
// request that asks for one point many times, such as for each config of a list, finds it once.
// Concurrent callers wait for the first one until their ctx ends.
func (c *SnapshotCache) Get(ctx context.Context, at PointInTime, find func() (*Snapshot, error)) (*Snapshot, error) {
	e, first := c.entry(at)
	if first {
		defer close(e.done)
		e.snapshot, e.err = find()
		return e.snapshot, e.err
	}
	select {
	case <-e.done:
		return e.snapshot, e.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// entry returns the entry of a point in time, and whether the caller has to fill it.
func (c *SnapshotCache) entry(at PointInTime) (e *cachedEntry, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, known := c.entries[at]; known {
		return e, false
	}
	e = &cachedEntry{done: make(chan struct{}), err: errFindPanicked}
	if c.entries == nil {
		c.entries = make(map[PointInTime]*cachedEntry)
	}
	c.entries[at] = e
	return e, true
}

func (c *SnapshotCache) forget(at PointInTime) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, at)
}
