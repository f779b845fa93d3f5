package configstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
)

// streamReads is how many streams that are behind read the event store at once. The others wait, in
// order, for as long as their clients stay: a stream that waits costs nothing and must not fail for
// being one of many.
const streamReads = 2

// catchUp is where streams read what is older than the feed's ring.
type catchUp struct {
	events eventstore.Store
	turns  *semaphore.Weighted
}

func newCatchUp(events eventstore.Store) *catchUp {
	return &catchUp{events: events, turns: semaphore.NewWeighted(streamReads)}
}

// ReadBranch is that of the event store. It waits for its turn, and tries again while the store is
// busy.
func (c *catchUp) ReadBranch(ctx context.Context, branch eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	if err := c.turns.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer c.turns.Release(1)
	const pause = 100 * time.Millisecond
	for {
		records, err := c.events.ReadBranch(ctx, branch, after, limit)
		if !errors.Is(err, eventstore.ErrBusy) {
			return records, err
		}
		timer := time.NewTimer(pause/2 + rand.N(pause))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}
