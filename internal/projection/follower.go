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

// Source is what a follower needs of an event store.
type Source interface {
	Head(ctx context.Context) (eventstore.Head, error)
	Read(ctx context.Context, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error)
	Wait(ctx context.Context, after eventstore.Seq) error
}

// Options of a [Follower].
type Options struct {
	// PageSize is how many records are read at once. 0: 4096.
	PageSize int
	// RetryMin and RetryMax bound the pause after an error; it doubles from one to the other, with jitter, and retrying
	// never ends. 0: 50 ms and 500 ms.
	RetryMin, RetryMax time.Duration
	// AwaitOwnAppend returns when no append of this process waits to be applied by the one who made it, so that the
	// follower does not read back what is about to be applied anyway. It may return at any time. nil: never waits.
	AwaitOwnAppend func(ctx context.Context)
	// Log gets a line when following stops working and one when it works again. nil: none.
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	if o.PageSize == 0 {
		o.PageSize = 4096
	}
	if o.RetryMin == 0 {
		o.RetryMin = 50 * time.Millisecond
	}
	if o.RetryMax == 0 {
		o.RetryMax = 500 * time.Millisecond
	}
	if o.AwaitOwnAppend == nil {
		o.AwaitOwnAppend = func(context.Context) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Follower keeps a projection live: it applies every event of a store, in order, whoever wrote it. It never skips one, and
// gives up only when the store holds another history: after any other error it tries again, and says in [Follower.Problem]
// what is wrong until it works again.
type Follower struct {
	projection *Projection
	source     Source
	opts       Options

	ready   chan struct{} // closed when all that was in the store at the start is applied
	once    sync.Once
	woken   atomic.Bool                        // the follower is to look
	waking  atomic.Pointer[context.CancelFunc] // ends its waiting
	problem atomic.Pointer[error]

	mu      sync.Mutex // guards what is below
	current time.Time  // when everything that the store held is known to have been applied
	behind  mark       // a head that was not applied when it was read
}

// mark is a head of the store, and when it was asked for.
type mark struct {
	seq   eventstore.Seq
	asked time.Time
}

// NewFollower returns a follower of source. [Follower.Run] does the work.
func NewFollower(p *Projection, source Source, opts Options) *Follower {
	opts.setDefaults()
	return &Follower{projection: p, source: source, opts: opts, ready: make(chan struct{}), current: time.Now()}
}

// Ready is closed once everything that the store held when Run began has been applied.
func (f *Follower) Ready() <-chan struct{} { return f.ready }

// Problem says why events are not being applied, nil when they are.
func (f *Follower) Problem() error {
	if problem := f.problem.Load(); problem != nil {
		return *problem
	}
	return nil
}

// Current is the newest time at which everything that the store held is known to be applied by now. Before that was ever so it
// is when the follower was made.
func (f *Follower) Current() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.see(f.projection.View().Head().Seq)
	return f.current
}

// Look notes a head that the store had after asked. While others write all the time, what is
// applied is never the head that is read next, but soon it is one that was read before. So an older
// head that is not applied yet is kept, however often Look is called.
func (f *Follower) Look(head eventstore.Seq, asked time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	applied := f.projection.View().Head().Seq
	f.see(applied)
	if f.behind.seq <= applied {
		f.behind = mark{head, asked}
		f.see(applied)
	}
}

// CaughtUp notes that everything which the store held at a time is applied. An append that has
// succeeded proves it: the head was the one that it was made to follow.
func (f *Follower) CaughtUp(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at.After(f.current) {
		f.current = at
	}
}

// see brings current up to what is applied. It needs the mutex.
func (f *Follower) see(applied eventstore.Seq) {
	if f.behind.seq <= applied && f.behind.asked.After(f.current) {
		f.current = f.behind.asked
	}
}

// Run follows until ctx ends, or until the history turns out not to be the one that was applied: then the error wraps
// [ErrDiverged], and the projection is of no use any more.
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

// wait waits until there may be more events than those up to a position, or until the follower is
// woken.
func (f *Follower) wait(ctx context.Context, applied eventstore.Seq) (woken bool, err error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	f.waking.Store(&cancel)
	if !f.woken.Load() { // what Wake sets first; if it does so from here on, it ends the waiting
		err = f.source.Wait(waiting, applied)
	}
	if f.woken.Swap(false) || waiting.Err() != nil {
		return true, ctx.Err()
	}
	return false, err
}

// Wake has the follower compare what is applied with the history at once, instead of when the store
// tells of something new. It does not wait for that.
func (f *Follower) Wake() {
	f.woken.Store(true)
	if cancel := f.waking.Load(); cancel != nil {
		(*cancel)()
	}
}

// CatchUp applies everything that the store holds now. Reading, checking and applying run side by side, each one page ahead of
// the next: at the start of a server with a long history that is what the time goes into.
func (f *Follower) CatchUp(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var stages sync.WaitGroup
	defer stages.Wait()
	defer cancel()

	from := f.projection.View().Head()
	read, checked := make(chan page), make(chan page)
	stages.Go(func() { f.readPages(ctx, from.Seq, read) })
	stages.Go(func() { checkPages(ctx, from, read, checked) })
	for page := range checked {
		if page.err != nil {
			return f.judge(ctx, page.err)
		}
		if err := f.projection.Apply(page.from, page.revisions); err != nil {
			return fmt.Errorf("following the history: %w", err)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return f.compare(ctx)
}

// compare checks that the head of the store continues what was applied, which the records cannot tell: a store that is
// behind, or that has another hash at the same position, has no more of them; nor has one that has lost them.
func (f *Follower) compare(ctx context.Context) error {
	applied, asked := f.projection.View().Head(), time.Now()
	head, err := f.source.Head(ctx)
	if err != nil {
		return fmt.Errorf("reading the head: %w", err)
	}
	f.Look(head.Seq, asked)
	switch {
	case head.Same(applied):
		return nil
	case head.Seq <= applied.Seq:
		return fmt.Errorf("%w: its head is %s, applied is %s", ErrDiverged, head.Position(), applied.Position())
	}
	records, err := f.source.Read(ctx, applied.Seq, eventstore.Limit{Records: 1})
	switch {
	case err != nil:
		return fmt.Errorf("reading events: %w", err)
	case len(records) == 0:
		return f.judge(ctx, fmt.Errorf("following the history: %w", missing(applied.Seq+1)))
	}
	return nil
}

// judge tells another history from one that is broken behind what was applied: there the newest record that was applied is
// still what it was, and no new beginning would get further.
func (f *Follower) judge(ctx context.Context, err error) error {
	applied := f.projection.View().Head()
	var broken *eventstore.ChainError
	if !errors.As(err, &broken) || applied.Seq == 0 {
		return err
	}
	records, readErr := f.source.Read(ctx, applied.Seq-1, eventstore.Limit{Records: 1})
	if readErr != nil {
		return fmt.Errorf("reading events: %w", readErr)
	}
	if len(records) == 1 && records[0].Seq == applied.Seq && records[0].Hash != applied.Hash {
		return fmt.Errorf("%w: position %d has another hash", ErrDiverged, applied.Seq)
	}
	return err
}

func missing(p eventstore.Seq) error {
	return &eventstore.ChainError{Seq: p, Problem: "its record is missing"}
}

// page is what goes from one stage of catching up to the next: records, then the revisions that they hold, or the error
// that ends it.
type page struct {
	from      eventstore.Head // which the page follows
	records   []eventstore.Record
	revisions []*eventstore.Revision
	err       error
}

// send hands the page on. It tells whether there is to be another one.
func (p page) send(ctx context.Context, to chan<- page) bool {
	select {
	case to <- p:
		return p.err == nil
	case <-ctx.Done():
		return false
	}
}

// checkPages checks that the pages it receives follow one another from a head on, and decodes them.
func checkPages(ctx context.Context, from eventstore.Head, read <-chan page, checked chan<- page) {
	defer close(checked)
	var chain eventstore.Chain
	for p := range read {
		p.from = from
		if p.err == nil {
			from, p.err = chain.Verify(from, p.records)
		}
		if p.err == nil {
			p.revisions, p.err = eventstore.DecodeAll(p.records)
			p.records = nil
		}
		if p.err != nil {
			p.err = fmt.Errorf("following the history: %w", p.err)
		}
		if !p.send(ctx, checked) {
			return
		}
	}
}

// readPages sends the records after a position, page by page, until there are no more or ctx ends. A change set is never
// split between two pages: it must become readable as one.
func (f *Follower) readPages(ctx context.Context, after eventstore.Seq, pages chan<- page) {
	defer close(pages)
	var rest []eventstore.Record // of a change set whose end was not in the page
	for last := false; !last; {
		limit := eventstore.Limit{Records: f.opts.PageSize}
		records, err := f.source.Read(ctx, after, limit)
		full := limit.Fills(records) // else the follower, when it is close behind, need not read again
		switch {
		case err == nil && len(records) == 0 && len(rest) == 0:
			return
		case err == nil && len(records) == 0:
			err = missing(after + 1)
		case err == nil:
			after = records[len(records)-1].Seq
			if len(rest) > 0 {
				records = append(rest, records...)
			}
			whole := eventstore.WholeSets(records)
			records, rest = whole, records[len(whole):]
			last = !full && len(rest) == 0
			if len(whole) == 0 {
				continue
			}
		}
		if err != nil {
			err = fmt.Errorf("reading events: %w", err)
		}
		if !(page{records: records, err: err}).send(ctx, pages) {
			return
		}
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
		f.opts.Log.Info("following the history again", "position", f.projection.View().Head().Seq)
	case err != nil:
		f.problem.Store(&err)
		if had == nil || had.Error() != err.Error() {
			f.opts.Log.Error("not following the history", "error", err, "permanent", Permanent(err))
		}
	}
}

// Permanent reports whether an error of following will not go away by trying again: an event that
// this program does not know, or a history that is broken or is not the one that was applied.
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
