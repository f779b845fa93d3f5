// Package lane bounds the reads that a store does for users: how many run at once, and how many
// wait for their turn. The rest is refused, so that reads for users delay neither those of the
// store's own node nor one another without end.
package lane

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
)

// Options of a [Lane]. Zero fields have the defaults named.
type Options struct {
	// Running is how many reads run at once. 0: 1.
	Running int
	// Waiting is how many more reads wait. 0: 256.
	Waiting int
	// Patience is how long a read waits. 0: 2 s.
	Patience time.Duration
}

// Lane gives reads their turns, in the order in which they come. It is safe for concurrent use.
type Lane struct {
	opts    Options
	turns   *semaphore.Weighted
	waiting atomic.Int64
}

// New returns an empty lane.
func New(opts Options) *Lane {
	opts.Running = cmp.Or(opts.Running, 1)
	opts.Waiting = cmp.Or(opts.Waiting, 256)
	opts.Patience = cmp.Or(opts.Patience, 2*time.Second)
	return &Lane{opts: opts, turns: semaphore.NewWeighted(int64(opts.Running))}
}

// Enter waits for a turn. After a nil error [Lane.Leave] must be called. The error is that of ctx,
// or wraps [eventstore.ErrBusy] when too many wait or the wait has taken too long.
func (l *Lane) Enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.turns.TryAcquire(1) {
		return nil
	}
	defer l.waiting.Add(-1)
	if l.waiting.Add(1) > int64(l.opts.Waiting) {
		return fmt.Errorf("%w: %d", eventstore.ErrBusy, l.opts.Waiting)
	}
	waiting, cancel := context.WithTimeout(ctx, l.opts.Patience)
	defer cancel()
	switch err := l.turns.Acquire(waiting, 1); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return fmt.Errorf("%w: no turn within %v", eventstore.ErrBusy, l.opts.Patience)
}

// Leave ends a turn.
func (l *Lane) Leave() { l.turns.Release(1) }
