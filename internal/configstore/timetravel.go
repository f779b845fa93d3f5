package configstore

import (
	"context"
	"slices"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// Snapshot is the state of all configs right after one position. It never changes.
type Snapshot struct {
	branch *branch
	view   *projection.View // at or after the position
	at     eventstore.Head
}

// At is the position of the snapshot; the zero Head is before the first event.
func (s *Snapshot) At() eventstore.Head { return s.at }

// AsOf returns the snapshot right after a position; inside a change set that is the end of the set. A position that the
// history has but this node does not is waited for. The errors: [ErrPositionUnknown] and [ErrPositionNotReached], or one of
// kind [Unavailable].
func (r *Reader) AsOf(ctx context.Context, at eventstore.Bookmark) (*Snapshot, error) {
	view, err := r.branch.await(ctx, r.view, at.Position, 0)
	if err != nil {
		return nil, err
	}
	head, err := r.branch.endOf(ctx, view, at)
	if err != nil {
		return nil, err
	}
	return &Snapshot{branch: r.branch, view: view, at: head}, nil
}

// AsOfTime returns the snapshot of an instant: of the newest change set that was whole at or before it. An instant after the
// head means the head; one before the first event is the empty beginning.
func (r *Reader) AsOfTime(ctx context.Context, instant time.Time) (*Snapshot, error) {
	at, err := r.headAt(ctx, instant)
	if err != nil {
		return nil, err
	}
	return &Snapshot{branch: r.branch, view: r.view, at: at}, nil
}

// headAt searches the gapless positions, along which time strictly increases. The times within a change set are those of its
// end: nobody has ever seen a part of it.
func (r *Reader) headAt(ctx context.Context, instant time.Time) (eventstore.Head, error) {
	before, after := eventstore.Head{}, r.view.Head() // of before the set has ended by then, of after it has not
	if !instant.Before(after.RecordedAt) {
		return after, nil
	}
	for after.Position-before.Position > 1 {
		middle, err := r.branch.revisionAt(ctx, before.Position+(after.Position-before.Position)/2)
		if err != nil {
			return eventstore.Head{}, err
		}
		end := middle
		if !middle.EndsSet() {
			if end, err = r.branch.revisionAt(ctx, middle.ChangeSet.Position); err != nil {
				return eventstore.Head{}, err
			}
		}
		if end.At.After(instant) {
			after = middle.Head()
		} else {
			before = end.Head()
		}
	}
	return before, nil
}

// Config returns the state of a config as it was, nil when it did not exist.
func (s *Snapshot) Config(ctx context.Context, name config.Name) (*projection.Config, error) {
	present := s.view.Get(name)
	if present == nil {
		return nil, nil
	}
	states, err := s.rewind(ctx, []*projection.Config{present})
	if err != nil || len(states) == 0 {
		return nil, err
	}
	return states[0], nil
}

// Configs returns the states of the configs that the filter selects as they were, by name, after the name after ("" for the
// first), at most first of them, and whether there are more.
func (s *Snapshot) Configs(ctx context.Context, filter config.Filter, after string, first int) (states []*projection.Config, more bool, err error) {
	if err := checkPageSize(first); err != nil {
		return nil, false, err
	}
	for len(states) <= first {
		candidates := s.candidates(filter, after, max(first+1-len(states), rewindAhead))
		if len(candidates) == 0 {
			return states, false, nil
		}
		found, err := s.rewind(ctx, candidates)
		if err != nil {
			return nil, false, err
		}
		states = append(states, found...)
		after = candidates[len(candidates)-1].Name.String()
	}
	return states[:first:first], true, nil
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
		found, err := s.rewind(ctx, candidates)
		if err != nil {
			return 0, err
		}
		count += len(found)
		after = candidates[len(candidates)-1].Name.String()
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

// rewind returns the states that present ones had at the snapshot's position, leaving out what did not exist then. Only
// those that have changed since are read from the event store.
func (s *Snapshot) rewind(ctx context.Context, present []*projection.Config) ([]*projection.Config, error) {
	past, err := s.readPast(ctx, present)
	if err != nil {
		return nil, err
	}
	states := make([]*projection.Config, 0, len(present))
	for _, c := range present {
		if c.Position > s.at.Position {
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
	return states, nil
}

// readPast reads the revisions in force at the snapshot's position of those names that have changed since.
func (s *Snapshot) readPast(ctx context.Context, present []*projection.Config) (map[config.Name]*eventstore.Revision, error) {
	var changed []string
	for _, c := range present {
		if c.Position > s.at.Position {
			changed = append(changed, c.Name.String())
		}
	}
	if len(changed) == 0 || s.at.Position == 0 {
		return nil, nil
	}
	var records []eventstore.Record
	for limit := (eventstore.Limit{}); len(changed) > 0; {
		page, err := s.branch.events.ReadAsOf(ctx, s.view.Head(), eventstore.AsOf{At: s.at.Position, Names: changed}, limit)
		if err != nil {
			return nil, s.branch.failed(err)
		}
		records = append(records, page...)
		if !limit.Fills(page) {
			break
		}
		last, _ := slices.BinarySearch(changed, page[len(page)-1].Name)
		changed = changed[last+1:]
	}
	revisions, err := eventstore.DecodeAll(records)
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
