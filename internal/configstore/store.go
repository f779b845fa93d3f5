// Package configstore is the config store: it authorises, reads, streams, and hands commands to the
// writer. Every edge goes through it, and holds no rule of its own.
//
// A [Store] guarantees:
//
//   - A write is answered when it is on disk and can be read ([Store.Do]).
//   - A [Reader] gives all its answers at one position, without a lock. Reads of the present come
//     from the projection; reads of the past from the event store.
//   - A [Watch] gives every change once, in order, whole change sets at a time. It has the pace of
//     its reader and delays nobody.
//   - Nothing of a history that was lost is served as part of another one.
//
// It parses nothing, knows no protocol, and keeps no data: the event store does. All methods that
// act for a caller take the [auth.Caller] as an argument.
package configstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"configapi/internal/auth"
	"configapi/internal/clock"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
	"configapi/internal/writer"
)

// everything is the scope of reads of the store itself.
var everything = config.Below("")

// Options of a [Store]. Zero fields have the defaults named.
type Options struct {
	// MaxValueBytes bounds a value. 0: 1 MiB.
	MaxValueBytes int
	// WriteTimeout is how long a caller waits for the outcome of a write. 0: 10 s.
	WriteTimeout time.Duration
	// PositionWait is how long a read waits for a position that this node has not applied. 0: 2 s.
	PositionWait time.Duration
	// ScanNames is how many names one page looks at when its filter selects few of them. 0:
	// 100,000.
	ScanNames int
	// ProgressInterval is how long a stream may move on without matching changes until it reports
	// its position. 0: 10 s.
	ProgressInterval time.Duration
	// ClockInterval is how often this node compares its clock. 0: 5 s. Negative: never, which is
	// for a clock that counts its readings.
	ClockInterval time.Duration
	// MaxRightsAge is how long this node serves callers whose rights come from the history without
	// reaching the event store, where these rights may have ended: then they are refused, and their
	// sessions end. 0: for ever.
	MaxRightsAge time.Duration
	// Now is the clock of this node. It must be safe for concurrent use. nil: time.Now.
	Now func() time.Time
	// Codec decodes the history. It must know the events of tokens; the store stops before an event
	// that it does not know: it is then not ready. The zero Codec: [auth.Codec].
	Codec config.Codec
	// Anonymous is what callers that are not known may do once a token was issued: until then they
	// may do everything. nil: nothing.
	Anonymous *auth.Grants
	// Log gets what operators must know. nil: nothing is logged.
	Log *slog.Logger
	// Writer, Feed and Follower are the options of these parts.
	Writer   writer.Options
	Feed     feed.Options
	Follower projection.Options
}

// setDefaults panics when a number or a time is negative, but for ClockInterval.
func (o *Options) setDefaults() {
	if o.MaxValueBytes < 0 || o.ScanNames < 0 || o.MaxRightsAge < 0 {
		panic(fmt.Sprintf("configstore: an option is negative: MaxValueBytes %d, ScanNames %d, MaxRightsAge %v", o.MaxValueBytes, o.ScanNames, o.MaxRightsAge))
	}
	for _, option := range []struct {
		name     string
		time     *time.Duration
		standard time.Duration
	}{
		{"WriteTimeout", &o.WriteTimeout, 10 * time.Second},
		{"PositionWait", &o.PositionWait, 2 * time.Second},
		{"ProgressInterval", &o.ProgressInterval, 10 * time.Second},
	} {
		if *option.time < 0 {
			panic(fmt.Sprintf("configstore: Options.%s is negative: %v", option.name, *option.time))
		}
		*option.time = cmp.Or(*option.time, option.standard)
	}
	o.MaxValueBytes = cmp.Or(o.MaxValueBytes, config.DefaultMaxValueBytes)
	o.ScanNames = cmp.Or(o.ScanNames, 100_000)
	o.ClockInterval = cmp.Or(o.ClockInterval, 5*time.Second)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	o.Writer.Log = cmp.Or(o.Writer.Log, o.Log)
	o.Writer.WriteTimeout = cmp.Or(o.Writer.WriteTimeout, o.WriteTimeout)
	o.Follower.Log = cmp.Or(o.Follower.Log, o.Log)
	if o.Codec.IsZero() {
		o.Codec = auth.Codec()
	}
	o.Writer.Anonymous = o.Anonymous
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Writer.Now == nil {
		o.Writer.Now = o.Now
	}
}

// Store is the config store. It is safe for concurrent use.
type Store struct {
	opts       Options
	events     eventstore.Store
	clock      *clock.Clock
	attempts   *writer.Attempts
	generation atomic.Pointer[generation]
	unknown    *unknownTokens
	sessions   *sessions
	uses       *uses
	probes     singleflight.Group // of the event store
	lastProbe  atomic.Pointer[probe]

	mu        sync.Mutex // guards onRebuild
	onRebuild []func()
}

// New returns a config store on an event store. [Store.Run] does the work. New panics when a number
// or a time of the options is negative, unless it is documented otherwise.
func New(events eventstore.Store, opts Options) *Store {
	opts.setDefaults()
	s := &Store{
		opts: opts, events: events, clock: clock.New(events, opts.Now), attempts: writer.NewAttempts(opts.Writer),
		unknown: newUnknownTokens(events), uses: newUses(events, opts.Log),
	}
	s.sessions = newSessions(s)
	s.generation.Store(newGeneration(s, opts, fault.ErrNotReady))
	return s
}

// Run applies the history, then takes writes and follows the history until ctx ends. Commands that
// were taken by then are finished before it returns. Run must be called once.
//
// When the history turns out not to be the one that was applied, because a failover has lost its
// tail or a backup was restored, Run keeps what both histories have in common, drops the rest
// and reads what is different. Until that is done the store is not ready. When a record turns out
// not to be what was written, Run drops everything and reads the whole history, which ends at that
// record: the store is not ready until the history is put right.
func (s *Store) Run(ctx context.Context) error {
	var background sync.WaitGroup
	defer background.Wait()
	background.Go(func() { writer.PruneReceipts(ctx, s.events, s.clock, s.opts.Log) })
	background.Go(func() { s.watchClock(ctx) })
	background.Go(func() { s.watchRights(ctx) })
	background.Go(func() { s.sessions.run(ctx) })
	background.Go(func() { s.keepUses(ctx) })
	for {
		g := s.generation.Load()
		if err := g.run(ctx, func(err error) { s.replace(g, err) }); err == nil {
			return nil
		}
	}
}

// replace replaces a generation whose history was lost or is broken. New callers get an error that
// the store is not ready; then the functions of [Store.OnRebuild] are called; then the streams of
// the old generation end.
func (s *Store) replace(old *generation, reason error) {
	next := s.successor(old, reason)
	next.number = old.number + 1
	s.generation.Store(next)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, call := range s.onRebuild {
		call()
	}
	old.feed.End(next.notReady)
}

// successor returns the generation that follows another one. After a lost history it takes over
// what both have in common. After a broken one it takes over nothing, and verifies each record
// before it is served.
func (s *Store) successor(old *generation, reason error) *generation {
	applied := old.view().Head().Position().String()
	opts := s.opts
	opts.Writer.Closed = old.isClosed(old.view())
	if !errors.Is(reason, eventstore.ErrDiverged) {
		s.opts.Log.Error("the history is broken; nothing is served until it is put right", "applied", applied, "error", reason)
		opts.Follower.Replay = true
		return newGeneration(s, opts, fault.ReadFailed(fmt.Errorf("%w: %w", fault.ErrBroken, reason)))
	}
	s.opts.Log.Error("the history is not the one that was applied; reading what is different", "applied", applied, "error", reason)
	next := newGeneration(s, opts, fault.ErrRebuilding)
	next.former = &former{old.view(), old.feed.Newest(), old.verifier.Rest()}
	return next
}

// OnRebuild has a function called whenever the store has dropped its state, before the streams
// of the old state end. The function must not block.
func (s *Store) OnRebuild(call func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onRebuild = append(s.onRebuild, call)
}

// Rebuilds returns how many times the store has dropped its state. What was read at another
// count may be of a history that is lost.
func (s *Store) Rebuilds() int64 { return s.generation.Load().number }

// Ready is closed once the history that was there at the start, or at the last rebuild, is applied.
// Until then nothing can be read or written: it would be of some position of the past.
func (s *Store) Ready() <-chan struct{} { return s.generation.Load().follower.Ready() }

// ready returns the generation to use, or an error of kind [fault.Unavailable].
func (s *Store) ready() (*generation, error) {
	g := s.generation.Load()
	return g, g.err()
}

// PositionWait returns how long a read waits for a position unless the reader says otherwise.
func (s *Store) PositionWait() time.Duration { return s.opts.PositionWait }

// MaxValueBytes returns the length of the longest value that the store takes, in bytes.
func (s *Store) MaxValueBytes() int { return s.opts.MaxValueBytes }
