package configstore

import (
	"context"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// maxScan and maxScanBytes are how many events, and how many bytes of them, one page of changes
// looks at. A page whose filter selects few of them ends early, and says how far it has come. No
// more than 1 MiB is held in memory of what is not selected.
const maxScan, maxScanBytes = 10_000, 64 << 20

// Changes is a stretch of the history: those of its changes that a filter selects. Change sets are whole.
type Changes struct {
	// Revisions, oldest first. Empty: nothing that matches has happened up to Position.
	Revisions []*eventstore.Revision
	// Position is where the stretch ends: continue from there.
	Position eventstore.Position
	// CaughtUp tells that the stretch ends at what was applied when it was read.
	CaughtUp bool

	bytes int // of names and values
}

// Changes returns the changes after a position (inside a change set: the whole of it again) that
// the filter selects: about first of them and [PageBytes], more only to keep a change set whole,
// fewer where there are no more or where a filter leaves little. Events newer than the reader's
// moment are left out.
func (r *Reader) Changes(ctx context.Context, after eventstore.Position, filter config.Filter, first int) (Changes, error) {
	if err := checkPageSize(first); err != nil {
		return Changes{}, err
	}
	view, err := r.branch.await(ctx, r.view, after.Seq, 0)
	if err != nil {
		return Changes{}, err
	}
	start, err := r.branch.startAfter(ctx, view, after)
	if err != nil {
		return Changes{}, err
	}
	cursor := r.branch.feed.Cursor(r.branch.events, start)
	found := Changes{Position: start.Position(), CaughtUp: start.Same(view.Head())}
	leave, err := r.operation().enter(ctx)
	if err != nil {
		return Changes{}, err
	}
	defer leave()
	scanned, bytes, full := 0, 0, false
	for !found.CaughtUp && scanned < maxScan && bytes < maxScanBytes && !full {
		page := feed.DefaultPage
		if filter.All() {
			page = first - len(found.Revisions)
		}
		batch, err := cursor.Next(ctx, min(page, int(view.Head().Seq-start.Seq)))
		if err != nil {
			return Changes{}, r.branch.failed(err)
		}
		scanned += len(batch.Events)
		for _, e := range batch.Events {
			bytes += feed.Size(e)
		}
		start, full = found.take(batch, filter, first)
		found.CaughtUp = start.Seq >= view.Head().Seq
	}
	return found, nil
}

// take adds those events of a batch that the filter selects, whole change sets of them: it ends
// behind the one with which there are enough, or before the one that would make the page too large.
// It reports whether the page is full.
func (c *Changes) take(batch feed.Batch, filter config.Filter, enough int) (end eventstore.Head, full bool) {
	whole, bytes := len(c.Revisions), c.bytes
	for _, e := range batch.Events {
		if filter.Matches(e.Name) {
			c.Revisions = append(c.Revisions, e)
			bytes += e.Bytes()
		}
		if !e.EndsSet() {
			continue
		}
		if bytes > PageBytes && whole > 0 {
			c.Revisions = c.Revisions[:whole]
			return end, true
		}
		whole, c.bytes, end = len(c.Revisions), bytes, e.Head()
		c.Position = end.Position()
		if whole >= enough || bytes >= PageBytes {
			return end, true
		}
	}
	return end, false
}

// Watch is one reader of the live stream. It is for one goroutine, and needs no closing.
type Watch struct {
	branch  *branch
	cursor  *feed.Cursor
	filter  config.Filter
	waiter  *feed.Waiter
	told    eventstore.Seq // where the reader knows that it is
	started bool
}

// Watch returns a stream of the changes that the filter selects: all after a position, then live
// ones, with no gap and no repeat. after nil: from now on; inside a change set: the whole of it
// again. A position that the history has but this node does not is waited for. The errors:
// [ErrPositionUnknown] and [ErrPositionNotReached], or one of kind [Unavailable].
func (s *Store) Watch(ctx context.Context, _ auth.Caller, filter config.Filter, after *eventstore.Position) (*Watch, error) {
	b, err := s.ready()
	if err != nil {
		return nil, err
	}
	start := b.view().Head()
	if after != nil {
		view, err := b.await(ctx, b.view(), after.Seq, 0)
		if err != nil {
			return nil, err
		}
		if start, err = b.startAfter(ctx, view, *after); err != nil {
			return nil, err
		}
	}
	return newWatch(b, filter, start), nil
}

func newWatch(b *branch, filter config.Filter, start eventstore.Head) *Watch {
	return &Watch{branch: b, cursor: b.feed.Cursor(b.catchUp, start), filter: filter, waiter: b.feed.Waiter(filter), told: start.Seq}
}

// Place is how far a stream has come. It is of no use after a rebuild: the history may not have it.
type Place struct {
	// Head is the position up to which all that matches was returned.
	Head   eventstore.Head
	branch *branch
}

// Place is how far the stream has come.
func (w *Watch) Place() Place { return Place{w.cursor.Head(), w.branch} }

// Resume returns a stream that goes on where one of this store has come to. The error is [ErrRebuilding] when that stream was
// of a history that the store has left since.
func (s *Store) Resume(_ auth.Caller, filter config.Filter, at Place) (*Watch, error) {
	if at.branch != s.branch.Load() {
		return nil, ErrRebuilding
	}
	w := newWatch(at.branch, filter, at.Head)
	w.started = true
	return w, nil
}

// ReadTo returns the next changes up to a position, which is applied and ends a change set. It does not wait: it returns
// without any when there are none up to there.
func (w *Watch) ReadTo(ctx context.Context, end eventstore.Seq) (Changes, error) {
	for {
		batch, _, err := w.cursor.Poll(ctx, int(end-w.cursor.Head().Seq))
		if err != nil {
			return Changes{}, w.branch.failed(err)
		}
		found := Changes{Revisions: matching(w.filter, batch.Events), Position: batch.Head.Position(), CaughtUp: batch.CaughtUp}
		if len(found.Revisions) > 0 || batch.Head.Seq >= end {
			return found, nil
		}
	}
}

// Next waits for the next changes. It returns without any when the first call comes to the head,
// and when it finds none for Options.ProgressInterval although the history has moved on: so a
// reader knows where it is. Where nothing happens it says nothing. Changes that the filter does not
// select cost the watch nothing until progress is due.
func (w *Watch) Next(ctx context.Context) (Changes, error) {
	due := time.Now().Add(w.branch.opts.ProgressInterval)
	for {
		batch, _, err := w.cursor.Poll(ctx, 0)
		if err != nil {
			return Changes{}, w.branch.failed(err)
		}
		found := Changes{Revisions: matching(w.filter, batch.Events), Position: batch.Head.Position(), CaughtUp: batch.CaughtUp}
		overdue := batch.Head.Seq > w.told && !time.Now().Before(due)
		if len(found.Revisions) > 0 || batch.CaughtUp && !w.started || overdue {
			w.told, w.started = batch.Head.Seq, true
			return found, nil
		}
		if !batch.CaughtUp {
			continue
		}
		progress := feed.Progress{Sent: w.told, Due: due, Every: w.branch.opts.ProgressInterval}
		if err := w.cursor.Await(ctx, w.waiter, progress); err != nil {
			return Changes{}, err
		}
	}
}

// ConfigWatch is one reader of the state of one config. It is for one goroutine, and needs no closing.
type ConfigWatch struct {
	branch  *branch
	name    config.Name
	waiter  *feed.Waiter
	last    *projection.Config
	started bool
}

// WatchConfig returns a stream of the states of one config. The error says that the store is not ready.
func (s *Store) WatchConfig(_ auth.Caller, name config.Name) (*ConfigWatch, error) {
	b, err := s.ready()
	if err != nil {
		return nil, err
	}
	return &ConfigWatch{branch: b, name: name, waiter: b.feed.Waiter(config.Only(name))}, nil
}

// ConfigPlace is how far a stream of the states of one config has come. It is of no use after a rebuild.
type ConfigPlace struct {
	// State is the one that was returned last, also a deleted one; nil when nothing ever happened to the name.
	State  *projection.Config
	branch *branch
}

// Place is how far the stream has come.
func (w *ConfigWatch) Place() ConfigPlace { return ConfigPlace{w.last, w.branch} }

// ResumeConfig returns a stream that goes on after a state that one of this store has returned. The error is [ErrRebuilding]
// when that stream was of a history that the store has left since.
func (s *Store) ResumeConfig(_ auth.Caller, name config.Name, at ConfigPlace) (*ConfigWatch, error) {
	if at.branch != s.branch.Load() {
		return nil, ErrRebuilding
	}
	waiter := at.branch.feed.Waiter(config.Only(name))
	return &ConfigWatch{branch: at.branch, name: name, waiter: waiter, last: at.State, started: true}, nil
}

// Next returns the state of the config: at once for the first time, then whenever it is another
// than the one before; nil while the config does not exist. A reader that asks seldom may miss
// states in between, never the last one. Changes of other configs cost the watch nothing.
func (w *ConfigWatch) Next(ctx context.Context) (*projection.Config, error) {
	for {
		if err := w.branch.feed.Err(); err != nil {
			return nil, err
		}
		view := w.branch.view()
		state := view.Get(w.name)
		if !w.started || state != w.last {
			w.last, w.started = state, true
			if state == nil || !state.Exists() {
				return nil, nil
			}
			return state, nil
		}
		if _, err := w.waiter.Wait(ctx, view.Head(), feed.Progress{}); err != nil {
			return nil, err
		}
	}
}

func matching(filter config.Filter, events []*eventstore.Revision) []*eventstore.Revision {
	if filter.All() {
		return events
	}
	var found []*eventstore.Revision
	for _, e := range events {
		if filter.Matches(e.Name) {
			found = append(found, e)
		}
	}
	return found
}
