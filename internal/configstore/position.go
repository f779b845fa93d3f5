package configstore

import (
	"context"

	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// await returns a view that has a position: the given one, or the newest as soon as it has it. It waits for
// Options.PositionWait, then fails with [ErrPositionNotReached].
func (s *Store) await(ctx context.Context, view *projection.View, p eventstore.Position) (*projection.View, error) {
	if p <= view.Head().Position {
		return view, nil
	}
	waiting, cancel := context.WithTimeout(ctx, s.opts.PositionWait)
	defer cancel()
	if err := s.feed.Await(waiting, p-1); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, ErrPositionNotReached
	}
	return s.projection.View(), nil
}

// locate returns the head that the history had at a bookmark, which is not beyond the view, or [ErrPositionUnknown].
func (s *Store) locate(ctx context.Context, view *projection.View, b eventstore.Bookmark) (eventstore.Head, error) {
	at := view.Head()
	switch {
	case b.Position < 0:
		return eventstore.Head{}, ErrPositionUnknown
	case b.Position == 0:
		at = eventstore.Head{}
	case b.Position != at.Position:
		revision, err := s.revisionAt(ctx, b.Position)
		if err != nil {
			return eventstore.Head{}, err
		}
		at = revision.Head()
	}
	if at.Bookmark() != b {
		return eventstore.Head{}, ErrPositionUnknown
	}
	return at, nil
}
