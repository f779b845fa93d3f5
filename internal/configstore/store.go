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
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

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
	// RetryMin and RetryMax bound the pause before it is asked again what became of an append whose outcome is unknown; it
	// doubles from one to the other, with jitter. 0: 20 ms, 500 ms.
	RetryMin, RetryMax time.Duration
	// FollowerGrace is how long an append of this node's own may hold up its follower, which would only read it back. 0: 20 ms.
	FollowerGrace time.Duration
	// KeyRetention is how long the outcome of a command with an idempotency key is kept at least, by the clock of the node that
	// is furthest ahead. 0: 25 h, which is 24 h and room for clocks.
	KeyRetention time.Duration
	// PruneInterval is about how often older ones are removed. 0: 10 min.
	PruneInterval time.Duration
	// PositionWait is how long a position beyond the head is waited for. 0: 2 s.
	PositionWait time.Duration
	// ProgressInterval is how long a stream may move on without matching changes until it is told how far it has come. 0: 10 s.
	ProgressInterval time.Duration
	// HealthTimeout bounds the questions that [Store.Health] asks the event store. 0: 1 s.
	HealthTimeout time.Duration
	// ClockInterval is how often this node looks whether its clock is right. 0: 5 s. Negative: it
	// does not.
	ClockInterval time.Duration
	// MaxLag is how long this node may be behind the history before [Store.Health] calls that a problem. 0: 5 s.
	MaxLag time.Duration
	// Now is the clock of this node; it is read from several goroutines. nil: time.Now.
	Now func() time.Time
	// Audit hears of every change that this node has made, in order. nil: nobody does.
	Audit Auditor
	// Appended hears of every append: how many events it had, and how long it took, whatever became of it. nil: nobody does.
	Appended func(events int, took time.Duration)
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
	o.RetryMin = cmp.Or(o.RetryMin, 20*time.Millisecond)
	o.RetryMax = cmp.Or(o.RetryMax, 500*time.Millisecond)
	o.FollowerGrace = cmp.Or(o.FollowerGrace, 20*time.Millisecond)
	o.KeyRetention = cmp.Or(o.KeyRetention, 25*time.Hour)
	o.PruneInterval = cmp.Or(o.PruneInterval, 10*time.Minute)
	o.PositionWait = cmp.Or(o.PositionWait, 2*time.Second)
	o.ProgressInterval = cmp.Or(o.ProgressInterval, 10*time.Second)
	o.HealthTimeout = cmp.Or(o.HealthTimeout, time.Second)
	o.ClockInterval = cmp.Or(o.ClockInterval, 5*time.Second)
	o.MaxLag = cmp.Or(o.MaxLag, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Appended == nil {
		o.Appended = func(int, time.Duration) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Store is the config store.
type Store struct {
	opts   Options
	events eventstore.Store
	branch atomic.Pointer[branch] // what everything is done on
	writes writes
	clock  *clock
	asking singleflight.Group // of the head, for [Store.Health]
	found  atomic.Pointer[found]

	rebuilds  atomic.Int64
	mu        sync.Mutex // guards onRebuild
	onRebuild []func()
}

// New returns a config store on an event store. [Store.Run] does the work.
func New(events eventstore.Store, opts Options) *Store {
	opts.setDefaults()
	s := &Store{opts: opts, events: events, clock: newClock(events, opts.Now)}
	s.writes.patience = opts.AppendTimeout + time.Second
	s.branch.Store(newBranch(events, &s.writes, opts, ErrNotReady))
	return s
}

// Run reads the history, then takes writes and follows the history until ctx ends. Writes that were taken by then are
// finished before it returns.
//
// When the history turns out not to be the one that was applied, because its tail was lost in a failover or a backup was
// restored, all that was made of it is thrown away, but for what both histories have in common, and the rest is read. Until
// that is done the store is not ready.
func (s *Store) Run(ctx context.Context) error {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { s.pruneReceipts(ctx) })
	beside.Go(func() { s.watchClock(ctx) })
	for {
		b := s.branch.Load()
		if err := b.run(ctx, func(err error) { s.replace(b, err) }); err == nil {
			return nil
		}
	}
}

// replace puts a new branch in the place of one that the history has left. Who comes from now on is told that the store is not
// ready; then those are told who hold something of the old branch; then that ends.
func (s *Store) replace(old *branch, reason error) {
	view, newest := old.projection.View(), old.feed.Newest()
	s.opts.Log.Error("the history is not the one that was applied; reading what is different",
		"applied", view.Head().Position().String(), "error", reason)
	next := newBranch(s.events, &s.writes, s.opts, ErrRebuilding)
	next.former = &former{view, newest}
	s.branch.Store(next)
	s.rebuilds.Add(1) // only now: whoever sees the new count must not see the old branch
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, tell := range s.onRebuild {
		tell()
	}
	old.feed.End(ErrRebuilding)
}

// OnRebuild has a function called whenever the store has thrown its state away, before the streams of the old one end. It must
// not block.
func (s *Store) OnRebuild(tell func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRebuild = append(s.onRebuild, tell)
}

// Rebuilds is how many times the store has thrown its state away. What was read from it at another count may be of a history
// that is lost.
func (s *Store) Rebuilds() int64 { return s.rebuilds.Load() }

// Ready is closed once the history that was there at the start, or at the last rebuild, is applied. Until then nothing can be
// read or written: it would be of some moment of the past.
func (s *Store) Ready() <-chan struct{} { return s.branch.Load().follower.Ready() }

// ready returns the branch that everything is done on, or an error of kind [Unavailable].
func (s *Store) ready() (*branch, error) {
	b := s.branch.Load()
	return b, b.err()
}

// PositionWait is how long a position is waited for unless the reader says otherwise.
func (s *Store) PositionWait() time.Duration { return s.opts.PositionWait }

// MaxValueBytes is the longest value that the store takes.
func (s *Store) MaxValueBytes() int { return s.opts.MaxValueBytes }

// Outcome is what a write came to.
type Outcome struct {
	// Config is the config as this very change left it; when nothing was to do, as it was found.
	Config *projection.Config
	// Changed is false when nothing was to do.
	Changed bool
	// Position is that of the outcome: any read or stream from here on includes it.
	Position eventstore.Position
}

// Do carries out one command, and returns when its outcome can be read and is on disk. The errors: a [*Refusal], or an
// [*UnavailableError], which says whether something may have been written, or [ErrIdempotencyMismatch]. The end of ctx ends the
// waiting, not the write. The same command of the same caller with the same idempotency key is carried out once, and has the
// first outcome again for at least Options.KeyRetention.
func (s *Store) Do(ctx context.Context, caller auth.Caller, cmd config.Command) (Outcome, error) {
	b, err := s.ready()
	if err != nil {
		return Outcome{}, &UnavailableError{Cause: err}
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.WriteTimeout)
	defer cancel()
	if err := s.checkClock(ctx); err != nil {
		return Outcome{}, err
	}
	a := b.writer.do(ctx, caller, cmd)
	if a.receipt != nil {
		return b.recall(ctx, cmd, a.receipt)
	}
	return a.outcome, a.err
}

func newAppendID() (id eventstore.AppendID) {
	_, _ = rand.Read(id[:]) // never fails: crypto/rand ends the program first
	return id
}
