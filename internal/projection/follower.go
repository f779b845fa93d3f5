package projection

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Source is the part of an event store that a follower uses.
type Source interface {
	Head(ctx context.Context) (eventstore.Head, error)
	Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
	EachNewest(ctx context.Context, basis eventstore.Head, yield func([]eventstore.Newest) error) error
	Wait(ctx context.Context, after eventstore.Seq) error
}

// Options are the settings of a [Follower]. Negative sizes and times are refused: [NewFollower]
// panics.
type Options struct {
	// PageSize is how many records are read at once. 0 means 4096.
	PageSize int
	// RecentEvents is about how many of the newest events are always read and published one by one.
	// A history of no more events is read as a whole, and of a longer one the state before them is
	// loaded. 0 means 10,000.
	RecentEvents int
	// Replay reads every history as a whole, and loads nothing.
	Replay bool
	// Loaded is called when the state at a head was loaded, before anybody can read it: the records
	// up to that head are not verified. nil means that nothing is called.
	Loaded func(eventstore.Head)
	// RetryMin and RetryMax bound the pause after an error; it doubles from one to the other, with
	// jitter. The follower retries for ever. 0 means 50 ms and 500 ms.
	RetryMin, RetryMax time.Duration
	// AwaitOwnAppend returns when no append of this process waits to be applied by its writer, so
	// that the follower does not read back what is about to be applied anyway. It may return at any
	// time. nil means that the follower does not wait.
	AwaitOwnAppend func(ctx context.Context)
	// Codec decodes the events. The zero Codec knows those of configs alone.
	Codec config.Codec
	// Log gets a line when following stops working and one when it works again. nil means that
	// nothing is logged.
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	if o.PageSize == 0 {
		o.PageSize = 4096
	}
	if o.RecentEvents == 0 {
		o.RecentEvents = 10_000
	}
	if o.RetryMin == 0 {
		o.RetryMin = 50 * time.Millisecond
	}
	if o.RetryMax == 0 {
		o.RetryMax = 500 * time.Millisecond
	}
	if o.Loaded == nil {
		o.Loaded = func(eventstore.Head) {}
	}
	if o.AwaitOwnAppend == nil {
		o.AwaitOwnAppend = func(context.Context) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Follower keeps a projection live: it applies every event of a store in order, whichever node has
// written it. It never skips one. After an error it tries again, and [Follower.Problem] returns the
// error until it works again; it gives up only when the store holds another history.
type Follower struct {
	projection *Projection
	source     Source
	opts       Options

	ready   chan struct{} // closed when all events that were in the store at the start are applied
	once    sync.Once
	woken   atomic.Bool                        // the follower must look at the store
	waking  atomic.Pointer[context.CancelFunc] // ends its wait for the store
	problem atomic.Pointer[error]

	mu        sync.Mutex  // guards what is below
	current   time.Time   // the newest time at which everything in the store is known to be applied
	unapplied observation // a head that was not applied when it was read
}

// observation is a head of the store, and when the read of it began.
type observation struct {
	seq   eventstore.Seq
	asked time.Time
}

// NewFollower returns a follower of source that applies events to p. It does nothing until
// [Follower.Run].
func NewFollower(p *Projection, source Source, opts Options) *Follower {
	if opts.PageSize < 0 || opts.RecentEvents < 0 || opts.RetryMin < 0 || opts.RetryMax < 0 {
		panic(fmt.Sprintf("projection: negative options of a follower: page size %d, recent events %d, retry after %v to %v",
			opts.PageSize, opts.RecentEvents, opts.RetryMin, opts.RetryMax))
	}
	opts.setDefaults()
	return &Follower{projection: p, source: source, opts: opts, ready: make(chan struct{}), current: time.Now()}
}

// Ready returns a channel that is closed once all events are applied that were in the store when
// Run began.
func (f *Follower) Ready() <-chan struct{} { return f.ready }

// Problem returns why events are not being applied, or nil if they are.
func (f *Follower) Problem() error {
	if problem := f.problem.Load(); problem != nil {
		return *problem
	}
	return nil
}

// Current returns the newest time for which everything that the store held then is known to be
// applied. At first it is when the follower was made.
func (f *Follower) Current() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.updateCurrent(f.projection.View().Head().Seq)
	return f.current
}

// ObserveHead records a head that the store had after asked. While other nodes write all the time,
// the projection is never at the newest head, but soon at an older one. So an older head that is
// not applied yet is kept, however often ObserveHead is called.
func (f *Follower) ObserveHead(head eventstore.Seq, asked time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	applied := f.projection.View().Head().Seq
	f.updateCurrent(applied)
	if f.unapplied.seq <= applied {
		f.unapplied = observation{head, asked}
		f.updateCurrent(applied)
	}
}

// ConfirmCurrent records that everything which the store held at a time is applied. A successful
// append proves this: the head was the one that it was made to follow.
func (f *Follower) ConfirmCurrent(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at.After(f.current) {
		f.current = at
	}
}

// updateCurrent updates current from what is applied. The caller holds the mutex.
func (f *Follower) updateCurrent(applied eventstore.Seq) {
	if f.unapplied.seq <= applied && f.unapplied.asked.After(f.current) {
		f.current = f.unapplied.asked
	}
}

// Run follows the store until ctx ends, or until the store turns out to hold another history: then
// the error wraps [ErrDiverged], and the projection must not be used any more.
func (f *Follower) Run(ctx context.Context) error {
	pause := f.opts.RetryMin
	for ctx.Err() == nil {
		err := f.follow(ctx)
		f.report(ctx, err)
		if errors.Is(err, ErrDiverged) {
			return err
		}
		if err == nil {
			pause = f.opts.RetryMin
			continue
		}
		sleep(ctx, pause/2+rand.N(pause/2+1))
		pause = min(2*pause, f.opts.RetryMax)
	}
	return nil
}

// follow applies what there is, then waits until there may be more.
func (f *Follower) follow(ctx context.Context) error {
	if err := f.CatchUp(ctx); err != nil {
		return err
	}
	f.once.Do(func() { close(f.ready) })
	f.report(ctx, nil)
	for {
		applied := f.projection.View().Head().Seq
		woken, err := f.wait(ctx, applied)
		if err != nil {
			return fmt.Errorf("waiting for events: %w", err)
		}
		f.opts.AwaitOwnAppend(ctx)
		if woken || f.projection.View().Head().Seq == applied {
			return nil
		}
	}
}

// wait waits until there may be events after a seq, or until the follower is woken.
func (f *Follower) wait(ctx context.Context, applied eventstore.Seq) (woken bool, err error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	f.waking.Store(&cancel)
	if !f.woken.Load() { // if Wake sets it after this, it also cancels the wait
		err = f.source.Wait(waiting, applied)
	}
	if f.woken.Swap(false) || waiting.Err() != nil {
		return true, ctx.Err()
	}
	return false, err
}

// Wake makes the follower compare what is applied with the store at once, instead of at the store's
// next notification. It does not wait for the comparison.
func (f *Follower) Wake() {
	f.woken.Store(true)
	if cancel := f.waking.Load(); cancel != nil {
		(*cancel)()
	}
}

// report keeps the problem for [Follower.Problem], and logs when it begins and when it ends.
func (f *Follower) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	had := f.Problem()
	switch {
	case err == nil && had != nil:
		f.problem.Store(nil)
		f.opts.Log.Info("the follower applies the history again", "position", f.projection.View().Head().Seq)
	case err != nil:
		f.problem.Store(&err)
		if had == nil || had.Error() != err.Error() {
			f.opts.Log.Error("the follower cannot apply the history; it tries again unless this is permanent", "error", err, "permanent", Permanent(err))
		}
	}
}

// Permanent reports whether an error of following stays when it is tried again: an event that this
// program does not know, or a history that is broken or is another one.
func Permanent(err error) bool {
	var unknown *config.UnknownEventError
	var broken *eventstore.ChainError
	return errors.Is(err, ErrDiverged) || errors.As(err, &unknown) || errors.As(err, &broken)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
