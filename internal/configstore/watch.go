package configstore

import (
	"context"
	"fmt"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// Watch is a stream of the changes that one filter selects of those that its caller may read. Of a
// change set it has that part. It is for one goroutine, and needs no closing.
//
// It ends with the caller's rights: once this node has applied the event that takes them, or they
// have expired, it returns no more changes but [auth.ErrRevoked], [auth.ErrExpired],
// [auth.ErrChanged], or [auth.ErrNoToken] to an anonymous caller.
type Watch struct {
	generation *generation
	rights     rights
	cursor     *feed.Cursor
	filter     config.Filter // within the caller's scope
	key        string        // of the filter: to compute it for each offset costs too much
	waiter     *feed.Waiter
	reported   eventstore.Seq // the newest position that the reader has got
	started    bool
}

// Watch returns a stream of the changes that the filter selects: all after a position, then live
// ones, with no gap and no repeat. after nil: from now on; inside a change set: the whole of it
// again. Watch waits for a position that the history has but this node has not applied.
//
// A position says that the caller has read all that it may read now, up to there. So it must not be
// older than [auth.Caller.ReadSince], unless it is the beginning of the history; else the error is
// [auth.ErrChanged]. The other errors: [fault.ErrPositionUnknown] and
// [fault.ErrPositionNotReached], [auth.ErrNotValid], or one of kind [fault.Unavailable].
func (s *Store) Watch(ctx context.Context, caller auth.Caller, filter config.Filter, after *eventstore.Position) (*Watch, error) {
	g, caller, err := s.readyFor(caller)
	if err != nil {
		return nil, err
	}
	start := g.view().Head()
	if after != nil {
		view, err := g.await(ctx, g.view(), after.Seq, 0)
		if err != nil {
			return nil, err
		}
		if start, err = g.startAfter(ctx, view, *after); err != nil {
			return nil, err
		}
		if start.Seq > 0 && start.RecordedAt.Before(caller.ReadSince) {
			return nil, auth.ErrChanged
		}
	}
	return newWatch(g, caller, filter, start), nil
}

func newWatch(g *generation, caller auth.Caller, filter config.Filter, start eventstore.Head) *Watch {
	w := &Watch{generation: g, rights: newRights(caller), cursor: g.feed.Cursor(g.catchUp, start), reported: start.Seq}
	w.filter = filter.Within(w.rights.read)
	w.key = w.filter.Key()
	w.waiter = g.feed.Waiter(w.filter, w.rights.stream())
	return w
}

// Rights names what the caller may see of the changes that the stream's filter selects. Two streams
// with equal filters and rights give the same changes after the same offset. It names the rebuilds
// of the store, too: streams from before and after one do not give the same.
func (w *Watch) Rights() string { return fmt.Sprintf("%d: %s", w.generation.number, w.key) }

// Offset is how far a stream has come. It cannot be used after a rebuild: the history may not have
// it.
type Offset struct {
	// Head is the head up to which all that matches was returned.
	Head       eventstore.Head
	generation *generation
	seen       string // the key of the filter within what its caller may read
}

// Offset returns how far the stream has come.
func (w *Watch) Offset() Offset { return Offset{w.cursor.Head(), w.generation, w.key} }

// Resume returns a stream that continues at the offset of another stream of this store, which has
// the same filter. The error is [fault.ErrRebuilding] when the store has rebuilt its state since,
// and [auth.ErrChanged] when the caller does not see what that stream gave.
func (s *Store) Resume(caller auth.Caller, filter config.Filter, at Offset) (*Watch, error) {
	if at.generation != s.generation.Load() {
		return nil, fault.ErrRebuilding
	}
	caller, err := at.generation.present(caller)
	if err != nil {
		return nil, err
	}
	w := newWatch(at.generation, caller, filter, at.Head)
	if w.key != at.seen {
		return nil, auth.ErrChanged
	}
	w.started = true
	return w, nil
}

// ReadTo returns the next changes up to a seq, which must be applied and end a change set. It does
// not wait: it returns no changes when there are none up to there, or when it is there already.
func (w *Watch) ReadTo(ctx context.Context, end eventstore.Seq) (Changes, error) {
	if head := w.cursor.Head(); head.Seq >= end {
		return Changes{Position: head.Position(), CaughtUp: head.Seq >= w.generation.feed.Head().Seq}, nil
	}
	for {
		batch, err := w.poll(ctx, int(end-w.cursor.Head().Seq))
		if err != nil {
			return Changes{}, err
		}
		found := Changes{Revisions: matching(w.filter, batch.Events), Position: batch.Head.Position(), CaughtUp: batch.CaughtUp}
		if len(found.Revisions) > 0 || batch.Head.Seq >= end {
			return found, nil
		}
	}
}

// Next waits for the next changes. So that a reader knows how far it has come, Next returns no
// changes in two cases: when the first call reaches the head, and when it finds none for
// Options.ProgressInterval although the history has moved on. It does not return while nothing
// happens. Changes that the filter does not select cost the watch nothing until progress is due.
func (w *Watch) Next(ctx context.Context) (Changes, error) {
	due := time.Now().Add(w.generation.opts.ProgressInterval)
	for {
		batch, err := w.poll(ctx, 0)
		if err != nil {
			return Changes{}, err
		}
		found := Changes{Revisions: matching(w.filter, batch.Events), Position: batch.Head.Position(), CaughtUp: batch.CaughtUp}
		overdue := batch.Head.Seq > w.reported && !time.Now().Before(due)
		if len(found.Revisions) > 0 || batch.CaughtUp && !w.started || overdue {
			w.reported, w.started = batch.Head.Seq, true
			return found, nil
		}
		if !batch.CaughtUp {
			continue
		}
		progress := feed.Progress{Sent: w.reported, Due: due, Every: w.generation.opts.ProgressInterval}
		err = w.rights.await(ctx, w.generation, func(ctx context.Context) error { return w.cursor.Await(ctx, w.waiter, progress) })
		if err != nil {
			return Changes{}, err
		}
	}
}

// poll returns what the cursor has next, unless the caller's rights have ended by now.
func (w *Watch) poll(ctx context.Context, limit int) (feed.Batch, error) {
	batch, _, err := w.cursor.Poll(ctx, limit)
	if err != nil {
		return feed.Batch{}, w.generation.readFailed(err)
	}
	// What was polled is applied, so that the view has it, too.
	return batch, w.rights.check(w.generation, w.generation.view())
}

// ConfigWatch is a stream of the states of one config. It is for one goroutine, and needs no
// closing. It ends with the caller's rights as a [Watch] does.
type ConfigWatch struct {
	generation *generation
	rights     rights
	name       config.Name
	hidden     bool // the caller may not read the name
	waiter     *feed.Waiter
	last       *projection.Config
	started    bool
}

// WatchConfig returns a stream of the states of one config. One that the caller may not read never
// exists. The error is of kind [fault.Unavailable]: the store is not ready.
func (s *Store) WatchConfig(caller auth.Caller, name config.Name) (*ConfigWatch, error) {
	g, caller, err := s.readyFor(caller)
	if err != nil {
		return nil, err
	}
	return newConfigWatch(g, caller, name), nil
}

func newConfigWatch(g *generation, caller auth.Caller, name config.Name) *ConfigWatch {
	w := &ConfigWatch{generation: g, rights: newRights(caller), name: name}
	w.hidden = !w.rights.read.Has(name)
	w.waiter = g.feed.Waiter(config.Only(name).Within(w.rights.read), w.rights.stream())
	return w
}

// Rights is that of [Watch.Rights] for streams of one config.
func (w *ConfigWatch) Rights() string { return fmt.Sprintf("%d: %t", w.generation.number, w.hidden) }

// ConfigOffset is how far a stream of the states of one config has come. It cannot be used after a
// rebuild.
type ConfigOffset struct {
	// State is the state that was returned last, also a deleted one. It is nil when nothing ever
	// happened to the name.
	State      *projection.Config
	generation *generation
	hidden     bool // the caller may not read the name
}

// Offset returns how far the stream has come.
func (w *ConfigWatch) Offset() ConfigOffset { return ConfigOffset{w.last, w.generation, w.hidden} }

// ResumeConfig returns a stream that continues at the offset of another stream of this store, of
// the same name. The errors are those of [Store.Resume].
func (s *Store) ResumeConfig(caller auth.Caller, name config.Name, at ConfigOffset) (*ConfigWatch, error) {
	if at.generation != s.generation.Load() {
		return nil, fault.ErrRebuilding
	}
	caller, err := at.generation.present(caller)
	if err != nil {
		return nil, err
	}
	w := newConfigWatch(at.generation, caller, name)
	if w.hidden != at.hidden {
		return nil, auth.ErrChanged
	}
	w.last, w.started = at.State, true
	return w, nil
}

// Next returns the state of the config: at once for the first time, then whenever it has changed.
// It returns nil while the config does not exist. A slow reader may miss states in between, never
// the last one. Changes of other configs cost the watch nothing.
func (w *ConfigWatch) Next(ctx context.Context) (*projection.Config, error) {
	for {
		if err := w.generation.feed.Err(); err != nil {
			return nil, err
		}
		view := w.generation.view()
		if err := w.rights.check(w.generation, view); err != nil {
			return nil, err
		}
		var state *projection.Config
		if !w.hidden {
			state = view.Get(w.name)
		}
		if !w.started || state != w.last {
			w.last, w.started = state, true
			if state == nil || !state.Exists() {
				return nil, nil
			}
			return state, nil
		}
		err := w.rights.await(ctx, w.generation, func(ctx context.Context) error {
			_, err := w.waiter.Wait(ctx, view.Head(), feed.Progress{})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
}

// matching returns the changes of configs that a filter selects.
func matching(filter config.Filter, events []*eventstore.Revision) []*eventstore.Revision {
	events = ofConfigs(events)
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
