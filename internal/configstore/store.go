// Package configstore is the one door to the service: every edge goes through it, and no rule lives in an edge.
//
// A write goes to the writer, one goroutine that commits all waiting commands as one append to the event store, and is
// answered when its event can be read. Reads come from immutable views of the projection, and from the event store for what
// is past. Streams are cursors on the feed. The caller is an explicit argument of all of them.
package configstore

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// Options of a [Store]. Zero fields have the defaults named.
type Options struct {
	// MaxValueBytes bounds a value. 0: 1 MiB.
	MaxValueBytes int
	// BatchCommands and BatchBytes bound what one append holds: so many commands, and no further event once the data of those
	// before it have so many bytes. 0: 500 commands, 4 MiB.
	BatchCommands, BatchBytes int
	// WriteTimeout is how long a caller waits for the outcome of a write. 0: 10 s.
	WriteTimeout time.Duration
	// AppendTimeout is how long one append may take until its outcome is called unknown and looked for. 0: 5 s.
	AppendTimeout time.Duration
	// KeyRetention is how long the outcome of a command with an idempotency key is kept at least, by the clock of the node that
	// is furthest ahead. 0: 25 h, which is 24 h and room for clocks.
	KeyRetention time.Duration
	// PruneInterval is about how often older ones are removed. 0: 10 min.
	PruneInterval time.Duration
	// PositionWait is how long a position beyond the head is waited for. 0: 2 s.
	PositionWait time.Duration
	// BookmarkInterval is how often a stream without matching changes is told how far it has come. 0: 10 s.
	BookmarkInterval time.Duration
	// HealthTimeout bounds the questions that [Store.Health] asks the event store. 0: 1 s.
	HealthTimeout time.Duration
	// Now is the clock of this node; it is read from several goroutines. nil: time.Now.
	Now func() time.Time
	// Audit hears of every change that this node has made, in order. nil: nobody does.
	Audit Auditor
	// Log gets what operators must know. nil: nothing is logged.
	Log *slog.Logger
	// Feed and Follower are the options of those parts.
	Feed     feed.Options
	Follower projection.Options
}

// Auditor hears of changes. Record must not block.
type Auditor interface {
	Record(change *eventstore.Revision)
}

func (o *Options) setDefaults() {
	o.MaxValueBytes = cmp.Or(o.MaxValueBytes, config.DefaultMaxValueBytes)
	o.BatchCommands = cmp.Or(o.BatchCommands, 500)
	o.BatchBytes = cmp.Or(o.BatchBytes, 4<<20)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.AppendTimeout = cmp.Or(o.AppendTimeout, 5*time.Second)
	o.KeyRetention = cmp.Or(o.KeyRetention, 25*time.Hour)
	o.PruneInterval = cmp.Or(o.PruneInterval, 10*time.Minute)
	o.PositionWait = cmp.Or(o.PositionWait, 2*time.Second)
	o.BookmarkInterval = cmp.Or(o.BookmarkInterval, 10*time.Second)
	o.HealthTimeout = cmp.Or(o.HealthTimeout, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Store is the config store.
type Store struct {
	opts       Options
	events     eventstore.Store
	projection *projection.Projection
	feed       *feed.Feed
	follower   *projection.Follower
	writer     *writer
}

// New returns a config store on an event store. [Store.Run] does the work.
func New(events eventstore.Store, opts Options) *Store {
	opts.setDefaults()
	s := &Store{opts: opts, events: events, feed: feed.New(opts.Feed)}
	s.projection = projection.New(s.feed)
	s.writer = newWriter(events, s.projection, opts)
	opts.Follower.AwaitOwnAppend = s.writer.awaitAppend
	if opts.Follower.Log == nil {
		opts.Follower.Log = opts.Log
	}
	s.follower = projection.NewFollower(s.projection, events, opts.Follower)
	s.writer.catchUp = s.follower.CatchUp
	return s
}

// Run reads the history, then takes writes and follows the history until ctx ends. Writes that were taken by then are
// finished before it returns.
func (s *Store) Run(ctx context.Context) error {
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	var parts sync.WaitGroup
	defer parts.Wait()
	defer stop()
	parts.Go(func() { _ = s.follower.Run(following) })

	select {
	case <-s.follower.Ready():
	case <-ctx.Done():
	}
	parts.Go(func() { s.pruneReceipts(ctx) })
	s.writer.run(ctx)
	return nil
}

// Ready is closed once the history that was there at the start is applied. Until then every read and write would be of
// some moment of the past.
func (s *Store) Ready() <-chan struct{} { return s.follower.Ready() }

// MaxValueBytes is the longest value that the store takes.
func (s *Store) MaxValueBytes() int { return s.opts.MaxValueBytes }

// Outcome is what a write came to.
type Outcome struct {
	// Config is the config as this very change left it; when nothing was to do, as it was found.
	Config *projection.Config
	// Changed is false when nothing was to do.
	Changed bool
	// Position is that of the outcome: any read or stream from here on includes it.
	Position eventstore.Bookmark
}

// Do carries out one command, and returns when its outcome can be read and is on disk. The errors: a [*Refusal], or an
// [*UnavailableError], which says whether something may have been written, or [ErrIdempotencyMismatch]. The end of ctx ends the
// waiting, not the write. The same command of the same caller with the same idempotency key is carried out once, and has the
// first outcome again for at least Options.KeyRetention.
func (s *Store) Do(ctx context.Context, caller auth.Caller, cmd config.Command) (Outcome, error) {
	if !s.isReady() {
		return Outcome{}, &UnavailableError{Cause: ErrNotReady}
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.WriteTimeout)
	defer cancel()
	a := s.writer.do(ctx, caller, cmd)
	if a.receipt != nil {
		return s.recall(ctx, cmd, a.receipt)
	}
	return a.outcome, a.err
}

func (s *Store) isReady() bool {
	select {
	case <-s.Ready():
		return true
	default:
		return false
	}
}

func newAppendID() (id eventstore.AppendID) {
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program first
	return id
}
