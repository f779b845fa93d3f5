package configstore

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/projection"
	"configapi/internal/writer"
)

// generation is all that this node has made of one history, from the projection to the writer's
// queue. When the history turns out to be another one, the generation is replaced as a whole:
// nothing of it may be used any more.
type generation struct {
	history
	number   int64 // how many generations there were before
	sessions *sessions
	opts     Options
	writer   *writer.Writer
	verifier *projection.Verifier
	catchUp  *catchUpReader
	scans    *semaphore.Weighted // turns of scans over names
	diffs    *semaphore.Weighted // turns of comparisons
	notReady error               // why nothing can be read until the history is applied
	former   *former             // what remains of the generation before; nil: nothing
}

func newGeneration(s *Store, opts Options, notReady error) *generation {
	events := s.events
	opts.Feed.Codec, opts.Follower.Codec, opts.Writer.Codec = opts.Codec, opts.Codec, opts.Codec
	g := &generation{
		history: history{
			own: events, codec: opts.Codec, feed: feed.New(opts.Feed), positionWait: opts.PositionWait,
			heads: newHeadReads(events, max(opts.PositionWait, headTimeout)),
		},
		opts: opts, notReady: notReady, sessions: s.sessions,
		scans: semaphore.NewWeighted(scanTurns()), diffs: semaphore.NewWeighted(diffTurns),
	}
	g.events = explained{events, &g.history, newRecentReads()}
	g.catchUp = newCatchUpReader(g.events)
	g.projection = projection.New(publisher{g.feed, g})
	opts.Follower.AwaitOwnAppend = func(ctx context.Context) { g.writer.AwaitAppend(ctx) }
	opts.Follower.Loaded = func(head eventstore.Head) { g.verifier.Begin(projection.Stretch{To: head}) }
	g.follower = projection.NewFollower(g.projection, events, opts.Follower)
	keeper, _ := events.(projection.VerifiedKeeper)
	g.verifier = projection.NewVerifier(newCatchUpReader(events), func() eventstore.Head { return g.view().Head() },
		projection.VerifierOptions{Keeper: keeper, Codec: opts.Codec, IsErased: func(seq eventstore.Seq) bool { return g.view().IsErased(seq) }, Log: opts.Log})
	g.writer = writer.New(events, g.projection, g.follower, s.attempts, opts.Writer)
	return g
}

// run applies the history, of which it takes over what the generation before has in common with it.
// Then it takes writes, follows the history, and verifies what it has not read, until ctx ends, or
// until the history turns out to be another one or broken. Then it calls lost at once, and returns
// the error. All commands that were taken have been answered when run returns.
func (g *generation) run(ctx context.Context, lost func(error)) error {
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	writing, end := context.WithCancel(ctx)
	defer end()
	if g.former != nil {
		g.rewind(ctx, g.former)
		g.former = nil
	}
	var parts errgroup.Group
	var once sync.Once
	start := func(part func(context.Context) error) {
		parts.Go(func() error {
			err := part(following)
			if err != nil {
				once.Do(func() { lost(err) })
				end()
			}
			return err
		})
	}
	start(g.follower.Run)
	select {
	case <-g.follower.Ready():
		g.sessions.appliedAll(g)
		start(g.verifier.Run)
	case <-writing.Done():
	}
	g.writer.Run(writing)
	stop()
	return parts.Wait()
}

// publisher ends the sessions whose rights end with events, before the feed publishes these events.
// So nothing that follows them reaches such a session.
type publisher struct {
	*feed.Feed
	generation *generation
}

// Publish is called with events once the newest view has them.
func (p publisher) Publish(revisions []*eventstore.Revision) {
	p.generation.sessions.applied(p.generation, revisions)
	p.Feed.Publish(revisions)
}

// err returns an error of kind [fault.Unavailable] while the generation must not be used: its
// history is not applied yet, or it was replaced.
func (g *generation) err() error {
	select {
	case <-g.follower.Ready():
		return g.feed.Err()
	default:
		return g.notReady
	}
}
