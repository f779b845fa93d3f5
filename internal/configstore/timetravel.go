package configstore

import (
	"cmp"
	"context"
	"slices"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// Snapshot is the state of all configs right after one position. It never changes.
type Snapshot struct {
	branch   *branch
	view     *projection.View // at or after the position
	at       eventstore.Head
	op       *operation // of the request; nil when at is that of the view
	noValues bool
}

// At is the position of the snapshot; the zero Head is before the first event.
func (s *Snapshot) At() eventstore.Head { return s.at }

// WithoutValues returns the same snapshot without values: its configs may lack them, which spares
// reading them.
func (s *Snapshot) WithoutValues() *Snapshot {
	bare := *s
	bare.noValues = true
	return &bare
}

// AsOf returns the snapshot right after a position; inside a change set that is the end of the set.
// A position that the history has but this node does not is waited for. The errors:
// [ErrPositionUnknown] and [ErrPositionNotReached], or one of kind [Unavailable].
func (r *Reader) AsOf(ctx context.Context, at eventstore.Position) (*Snapshot, error) {
	return r.operation().lookUp(ctx, Moment{Position: at}, func() (*Snapshot, error) {
		view, err := r.branch.await(ctx, r.view, at.Seq, 0)
		if err != nil {
			return nil, err
		}
		leave, err := r.operation().enter(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
		head, err := r.branch.endOf(ctx, view, at)
		if err != nil {
			return nil, err
		}
		return &Snapshot{branch: r.branch, view: view, at: head, op: r.operation()}, nil
	})
}

// AsOfTime returns the snapshot of an instant: of the newest change set that was whole at or before it. An instant after the
// head means the head; one before the first event is the empty beginning.
func (r *Reader) AsOfTime(ctx context.Context, instant time.Time) (*Snapshot, error) {
	if !instant.Before(r.view.Head().RecordedAt) {
		return r.Now(), nil
	}
	return r.operation().lookUp(ctx, Moment{Instant: instant.UTC()}, func() (*Snapshot, error) {
		leave, err := r.operation().enter(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
		at, err := r.branch.headAt(ctx, instant)
		if err != nil {
			return nil, err
		}
		return &Snapshot{branch: r.branch, view: r.view, at: at, op: r.operation()}, nil
	})
}

// headAt returns the head that the history had at an instant before that of what is applied. The
// times within a change set are those of its end: no reader has ever seen a part of it.
func (b *branch) headAt(ctx context.Context, instant time.Time) (eventstore.Head, error) {
	newest, err := b.events.ReadInstant(ctx, b.view().Head(), instant)
	switch {
	case err != nil:
		return eventstore.Head{}, b.failed(err)
	case newest.Seq == newest.ChangeSet: // also when there is none
		return eventstore.HeadOf(&newest), nil
	}
	return b.beforeSet(ctx, newest.Seq, newest.ChangeSet)
}

// Config returns the state of a config as it was, nil when it did not exist.
func (s *Snapshot) Config(ctx context.Context, name config.Name) (*projection.Config, error) {
	present := s.view.Get(name)
	if present == nil {
		return nil, nil
	}
	states, _, err := s.rewind(ctx, []*projection.Config{present}, s.noValues)
	if err != nil || len(states) == 0 {
		return nil, err
	}
	return states[0], nil
}

// ConfigPage is a page of the configs of a snapshot.
type ConfigPage struct {
	Configs []*projection.Config // by name
	// More says that more configs may follow: continue after the name End. A page can be empty
	// although more follow, when very many configs that did not exist at the moment come next.
	More bool
	End  string
}

// maxRewinds is how many times one page of the past reads the store.
const maxRewinds = 8

// Configs returns the states of the configs that the filter selects as they were, by name, after the name after ("" for the
// first), at most first of them and [PageBytes].
func (s *Snapshot) Configs(ctx context.Context, filter config.Filter, after string, first int) (ConfigPage, error) {
	if err := checkPageSize(first); err != nil {
		return ConfigPage{}, err
	}
	page := ConfigPage{End: after}
	for rewinds, bytes, next := 0, 0, after; ; rewinds++ {
		candidates := s.candidates(filter, next, max(first+1-len(page.Configs), rewindAhead<<rewinds))
		if len(candidates) == 0 {
			return page, nil
		}
		if rewinds == maxRewinds && !s.at.Same(s.view.Head()) {
			page.More = true
			return page, nil
		}
		// What follows a full page is looked at only for whether it is there.
		states, seen, err := s.rewind(ctx, candidates, s.noValues || len(page.Configs) == first)
		if err != nil {
			return ConfigPage{}, err
		}
		for _, c := range states {
			bytes += len(c.Name.String()) + len(c.Value.String())
			if len(page.Configs) == first || bytes > PageBytes && len(page.Configs) > 0 {
				page.More = true
				return page, nil
			}
			page.Configs = append(page.Configs, c)
			page.End = c.Name.String()
		}
		next = seen[len(seen)-1].Name.String()
		if len(page.Configs) < first {
			page.End = next
		}
	}
}

// Count returns how many configs that the filter selects existed.
func (s *Snapshot) Count(ctx context.Context, filter config.Filter) (int, error) {
	if s.at.Same(s.view.Head()) {
		return s.view.Count(filter), nil
	}
	count, after := 0, ""
	for {
		candidates := s.candidates(filter, after, eventstore.MaxAsOfNames)
		if len(candidates) == 0 {
			return count, nil
		}
		states, seen, err := s.rewind(ctx, candidates, true)
		if err != nil {
			return 0, err
		}
		count += len(states)
		after = seen[len(seen)-1].Name.String()
	}
}

// rewindAhead is how many names are looked at together at least: those that did not exist at the moment drop out.
const rewindAhead = 64

// candidates returns up to limit present states, from which names may have existed at the moment.
func (s *Snapshot) candidates(filter config.Filter, after string, limit int) []*projection.Config {
	limit = min(limit, eventstore.MaxAsOfNames)
	found := make([]*projection.Config, 0, limit)
	s.view.Ascend(filter, after, func(c *projection.Config) bool {
		if !c.CreatedAt().After(s.at.RecordedAt) {
			found = append(found, c)
		}
		return len(found) < limit
	})
	return found
}

// rewind returns the states that present ones, which are in the order of their names, had at the
// snapshot's position, leaving out what did not exist then. Only those that have changed since are
// read from the event store, a page of them: seen are those of the present ones that it was enough
// for.
func (s *Snapshot) rewind(ctx context.Context, present []*projection.Config, noValues bool) (states, seen []*projection.Config, err error) {
	past, seen, err := s.readPast(ctx, present, noValues)
	if err != nil {
		return nil, nil, err
	}
	states = make([]*projection.Config, 0, len(seen))
	for _, c := range seen {
		if c.Seq > s.at.Seq {
			then := past[c.Name]
			if then == nil {
				continue
			}
			c = c.AsOf(then)
		}
		if c.Exists() {
			states = append(states, c)
		}
	}
	return states, seen, nil
}

// readPast reads a page of the revisions in force at the snapshot's position of those names that
// have changed since, and returns with it the first of the present states: as many as it is enough
// for.
func (s *Snapshot) readPast(ctx context.Context, present []*projection.Config, noValues bool) (map[config.Name]*eventstore.Revision, []*projection.Config, error) {
	var changed []string
	for _, c := range present {
		if c.Seq > s.at.Seq {
			changed = append(changed, c.Name.String())
		}
	}
	if len(changed) == 0 || s.at.Seq == 0 {
		return nil, present, nil
	}
	if s.op != nil {
		leave, err := s.op.enter(ctx)
		if err != nil {
			return nil, nil, err
		}
		defer leave()
	}
	var limit eventstore.Limit
	records, err := s.branch.events.ReadAsOf(ctx, s.branch.view().Head(), eventstore.AsOf{At: s.at.Seq, Names: changed, NoData: noValues}, limit)
	if err != nil {
		return nil, nil, s.branch.failed(err)
	}
	if !noValues && limit.Fills(records) {
		last := records[len(records)-1].Name
		end, _ := slices.BinarySearchFunc(present, last, func(c *projection.Config, name string) int {
			return cmp.Compare(c.Name.String(), name)
		})
		present = present[:end+1]
	}
	past, err := s.decodePast(ctx, records, noValues)
	return past, present, err
}

func (s *Snapshot) decodePast(ctx context.Context, records []eventstore.Record, noValues bool) (map[config.Name]*eventstore.Revision, error) {
	decode := eventstore.DecodeAll
	if noValues {
		decode = eventstore.DecodeNoData
	}
	revisions, err := decode(records)
	if err != nil {
		return nil, err
	}
	if err := s.branch.completeSets(ctx, revisions); err != nil {
		return nil, err
	}
	past := make(map[config.Name]*eventstore.Revision, len(revisions))
	for _, r := range revisions {
		past[r.Name] = r
	}
	return past, nil
}
