package configstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
)

// catchUpReads is how many streams read the event store at once. The others wait, in order, for as
// long as their clients stay: a stream that waits costs nothing, and must not fail because there
// are many.
const catchUpReads = 2

// catchUpReader reads events for streams that are behind: those that the feed has no more.
type catchUpReader struct {
	events eventstore.Store
	turns  *semaphore.Weighted
}

func newCatchUpReader(events eventstore.Store) *catchUpReader {
	return &catchUpReader{events: events, turns: semaphore.NewWeighted(catchUpReads)}
}

// ReadHistory is that of the event store. It waits for its turn, and tries again while the event
// store is busy.
func (c *catchUpReader) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	return c.read(ctx, func() ([]eventstore.Record, error) { return c.events.ReadHistory(ctx, basis, after, limit) })
}

// ReadVersions is that of the event store. It waits and tries again as ReadHistory does.
func (c *catchUpReader) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	return c.read(ctx, func() ([]eventstore.Record, error) { return c.events.ReadVersions(ctx, basis, versions, limit) })
}

func (c *catchUpReader) read(ctx context.Context, read func() ([]eventstore.Record, error)) ([]eventstore.Record, error) {
	if err := c.turns.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer c.turns.Release(1)
	const pause = 100 * time.Millisecond
	for {
		records, err := read()
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
