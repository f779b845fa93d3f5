package configstore

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
)

// operationReads is how many reads of the past one request makes of the store at once. The others of it wait here, so that a
// request with thousands of them does not fill the queue that all requests share.
const operationReads = 2

// operation is what the reads of one request share: their turns, and the moments that were looked up already.
type operation struct {
	turns *semaphore.Weighted

	mu      sync.Mutex
	moments map[moment]*lookup // :: moment → what it came to, or will
}

// moment is what a snapshot is asked for by: a position, or an instant.
type moment struct {
	position eventstore.Bookmark
	instant  time.Time // in UTC
}

// lookup is the answer for a moment, once done is closed.
type lookup struct {
	done     chan struct{}
	snapshot *Snapshot
	err      error
}

func newOperation() *operation {
	return &operation{turns: semaphore.NewWeighted(operationReads), moments: make(map[moment]*lookup)}
}

// enter waits until the request may read. Unless there is an error, leave must be called afterwards.
func (o *operation) enter(ctx context.Context) (leave func(), err error) {
	if err := o.turns.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { o.turns.Release(1) }, nil
}

// lookUp returns the snapshot of a moment. A request that asks for one many times, such as for each config of a list, has it
// looked up, or waited for, once. Only what the store could not answer may be asked again.
func (o *operation) lookUp(ctx context.Context, m moment, look func() (*Snapshot, error)) (*Snapshot, error) {
	f, first := o.find(m)
	if first {
		f.snapshot, f.err = look()
		if KindOf(f.err) == Unavailable {
			o.forget(m)
		}
		close(f.done)
		return f.snapshot, f.err
	}
	select {
	case <-f.done:
		return f.snapshot, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (o *operation) find(m moment) (f *lookup, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f, known := o.moments[m]; known {
		return f, false
	}
	f = &lookup{done: make(chan struct{})}
	o.moments[m] = f
	return f, true
}

func (o *operation) forget(m moment) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.moments, m)
}
