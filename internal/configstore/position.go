package configstore

import (
	"cmp"
	"context"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// await returns a view that has a position: the given one, or the newest as soon as it has it. It waits so long at most (0:
// Options.PositionWait), then fails with [ErrPositionNotReached].
func (b *branch) await(ctx context.Context, view *projection.View, p eventstore.Position, wait time.Duration) (*projection.View, error) {
	if p <= view.Head().Position {
		return view, nil
	}
	waiting, cancel := context.WithTimeout(ctx, cmp.Or(wait, b.opts.PositionWait))
	defer cancel()
	err := b.feed.Await(waiting, p-1)
	switch {
	case err == nil:
		return b.view(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case waiting.Err() != nil:
		return nil, ErrPositionNotReached
	}
	return nil, err
}

// locate returns the head that the history had at a bookmark, which is not beyond the view, or [ErrPositionUnknown].
func (b *branch) locate(ctx context.Context, view *projection.View, mark eventstore.Bookmark) (eventstore.Head, error) {
	at := view.Head()
	switch {
	case mark.Position < 0:
		return eventstore.Head{}, ErrPositionUnknown
	case mark.Position == 0:
		at = eventstore.Head{}
	case mark.Position != at.Position:
		revision, err := b.revisionAt(ctx, mark.Position)
		if err != nil {
			return eventstore.Head{}, err
		}
		at = revision.Head()
	}
	if at.Bookmark() != mark {
		return eventstore.Head{}, ErrPositionUnknown
	}
	return at, nil
}
