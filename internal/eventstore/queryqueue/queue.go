// Package queryqueue bounds the reads that an event store serves to users: a fixed number run at
// once, a fixed number wait in line, and the rest are refused. Reads of users therefore delay
// neither the node's own reads nor one another without end.
//
// A queue knows no callers: it is first come, first served, and a caller that asks more often gets
// more turns.
package queryqueue

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
)

const (
	// MaxWaiting is how many reads wait in line; one more is refused at once.
	MaxWaiting = 256
	// MaxWait is how long a read waits for its turn before it is refused.
	MaxWait = 2 * time.Second
)

// Queue lets a bounded number of reads run, in the order in which they come. Use [New] to make one.
// It is safe for concurrent use.
type Queue struct {
	turns   *semaphore.Weighted
	waiting atomic.Int64
}

// New returns an empty queue that lets so many reads run at once, at least one.
func New(running int) *Queue {
	return &Queue{turns: semaphore.NewWeighted(int64(max(running, 1)))}
}

// Acquire waits for a turn. After a nil error [Queue.Release] must be called once. The error is
// that of ctx, or it wraps [eventstore.ErrBusy] when [MaxWaiting] reads wait already or when
// [MaxWait] has passed.
func (q *Queue) Acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if q.turns.TryAcquire(1) {
		return nil
	}
	defer q.waiting.Add(-1)
	if q.waiting.Add(1) > MaxWaiting {
		return fmt.Errorf("%w: %d wait already; try again later", eventstore.ErrBusy, MaxWaiting)
	}
	waiting, cancel := context.WithTimeout(ctx, MaxWait)
	defer cancel()
	switch err := q.turns.Acquire(waiting, 1); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: no turn within %v; try again later", eventstore.ErrBusy, MaxWait)
}

// Release ends a turn that [Queue.Acquire] has given.
func (q *Queue) Release() { q.turns.Release(1) }
