package configstore

import (
	"context"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// branch is all that this node has made of the history, from the present states to the batches of its writer. It belongs
// together and ends together: when the history turns out to be another one, nothing of it may be used any more.
type branch struct {
	opts       Options
	events     eventstore.Store
	projection *projection.Projection
	feed       *feed.Feed
	follower   *projection.Follower
	writer     *writer
	heads      *heads
	catchUp    *catchUp
	unread     error   // why nothing can be read before the history is applied
	former     *former // what there was before the branch; nil: nothing that counts
}

func newBranch(events eventstore.Store, writes *writes, opts Options, unread error) *branch {
	b := &branch{opts: opts, events: events, feed: feed.New(opts.Feed), heads: newHeads(events, max(opts.PositionWait, headTimeout)), catchUp: newCatchUp(events), unread: unread}
	b.projection = projection.New(b.feed)
	caughtUp := func(at time.Time) { b.follower.CaughtUp(at) }
	b.writer = newWriter(watched{events, writes, opts.Appended, caughtUp}, b.projection, opts)
	opts.Follower.AwaitOwnAppend = b.writer.awaitAppend
	if opts.Follower.Log == nil {
		opts.Follower.Log = opts.Log
	}
	b.follower = projection.NewFollower(b.projection, events, opts.Follower)
	b.writer.catchUp = b.follower.CatchUp
	return b
}

// run reads the history, from where the former branch was the same, then takes writes and follows the history until ctx ends, or until the history has left the branch.
// That is an error, of which lost is told at once. Either way writes that were taken have been answered when it returns.
func (b *branch) run(ctx context.Context, lost func(error)) error {
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	writing, end := context.WithCancel(ctx)
	defer end()
	if b.former != nil {
		b.rewind(ctx, b.former)
		b.former = nil
	}
	followed := make(chan error, 1)
	go func() {
		err := b.follower.Run(following)
		if err != nil {
			lost(err)
			end()
		}
		followed <- err
	}()
	select {
	case <-b.follower.Ready():
	case <-writing.Done():
	}
	b.writer.run(writing)
	stop()
	return <-followed
}

// err is an error of kind [Unavailable] while the branch may not be used: its history is not applied yet, or is lost.
func (b *branch) err() error {
	select {
	case <-b.follower.Ready():
		return b.feed.Err()
	default:
		return b.unread
	}
}

// view is the newest one.
func (b *branch) view() *projection.View { return b.projection.View() }
