package configstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// headTimeout is how long the head of the history is waited for to judge a position that is not
// applied, however short the wait for the position itself is.
const headTimeout = 2 * time.Second

// await returns a view that has a position: the given one, or the newest as soon as it has it. A
// position that the history does not have is [ErrPositionUnknown] at once. One that the history
// has, but that this node has not applied, is waited for that long at most (0:
// Options.PositionWait), then the error is [ErrPositionNotReached].
func (b *branch) await(ctx context.Context, view *projection.View, p eventstore.Seq, wait time.Duration) (*projection.View, error) {
	if p <= view.Head().Seq {
		return view, nil
	}
	waiting, cancel := context.WithTimeout(ctx, cmp.Or(wait, b.opts.PositionWait))
	defer cancel()
	if err := b.checkExists(ctx, p); err != nil {
		return nil, err
	}
	return b.awaitApplied(ctx, waiting, p)
}

// awaitApplied waits for a position that the history has until waiting ends, which is a part of
// ctx.
func (b *branch) awaitApplied(ctx, waiting context.Context, p eventstore.Seq) (*projection.View, error) {
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

// checkExists returns nil when the history has a position, and [ErrPositionUnknown] when it does
// not. It takes a look at the head of the history unless the position is applied. An error of kind
// [Unavailable] says that the head could not be read within [headTimeout].
func (b *branch) checkExists(ctx context.Context, p eventstore.Seq) error {
	if p <= b.view().Head().Seq {
		return nil
	}
	asking, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	head, err := b.newestHead(asking)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case p > head.Seq:
		return ErrPositionUnknown
	}
	return nil
}

// newestHead asks for the head of the history. One before what was applied when it was asked for is
// an error: the tail is lost.
func (b *branch) newestHead(ctx context.Context) (eventstore.Head, error) {
	before := b.view().Head()
	head, err := b.heads.ask(ctx)
	switch {
	case err != nil:
		return eventstore.Head{}, b.failed(err)
	case head.Seq < before.Seq:
		return eventstore.Head{}, b.failed(fmt.Errorf("%w: its head is %s, applied is %s", projection.ErrDiverged, head.Position(), before.Position()))
	}
	return head, nil
}

// failed says why a read of the store has failed: the history has left the branch, or the store is
// away. It has the follower look at the history when a read has found that it is another one.
func (b *branch) failed(err error) error {
	var broken *eventstore.ChainError
	if errors.Is(err, projection.ErrDiverged) || errors.As(err, &broken) {
		b.follower.Wake()
	}
	if ended := b.feed.Err(); ended != nil {
		return ended
	}
	return storeAway(err)
}

// endOf returns the head that the history had at the end of the change set to which a position
// belongs. The position is not beyond the view. The error is [ErrPositionUnknown] when the history
// has something else there.
func (b *branch) endOf(ctx context.Context, view *projection.View, mark eventstore.Position) (eventstore.Head, error) {
	if mark == view.Head().Position() || mark == (eventstore.Position{}) {
		return knownHead(view, mark), nil
	}
	revision, err := b.locate(ctx, mark)
	if err != nil {
		return eventstore.Head{}, err
	}
	if !revision.EndsSet() {
		if revision, err = b.revisionAt(ctx, revision.ChangeSet.Seq); err != nil {
			return eventstore.Head{}, err
		}
	}
	return revision.Head(), nil
}

// startAfter returns the head after which a reader goes on that has come to a position, which is
// not beyond the view: inside a change set it is the one before the set, so that the reader gets
// the whole of it again.
func (b *branch) startAfter(ctx context.Context, view *projection.View, mark eventstore.Position) (eventstore.Head, error) {
	if mark == view.Head().Position() || mark == (eventstore.Position{}) {
		return knownHead(view, mark), nil
	}
	revision, err := b.locate(ctx, mark)
	switch {
	case err != nil:
		return eventstore.Head{}, err
	case revision.EndsSet():
		return revision.Head(), nil
	}
	return b.beforeSet(ctx, revision.Seq, revision.ChangeSet.Seq)
}

// knownHead is the head of a position that is that of the view, or the zero one.
func knownHead(view *projection.View, mark eventstore.Position) eventstore.Head {
	if mark.Seq == 0 {
		return eventstore.Head{}
	}
	return view.Head()
}

// beforeSet returns the head before the change set that ends at a position and has another one in
// it.
func (b *branch) beforeSet(ctx context.Context, within, end eventstore.Seq) (eventstore.Head, error) {
	before, first := eventstore.Seq(0), within // one that is not in the set, and one that is
	for first-before > 1 {
		middle := before + (first-before)/2
		revision, err := b.revisionAt(ctx, middle)
		if err != nil {
			return eventstore.Head{}, err
		}
		if revision.ChangeSet.Seq == end {
			first = middle
		} else {
			before = middle
		}
	}
	if before == 0 {
		return eventstore.Head{}, nil
	}
	last, err := b.revisionAt(ctx, before)
	if err != nil {
		return eventstore.Head{}, err
	}
	return last.Head(), nil
}

// locate returns the revision at a position, which is applied, or [ErrPositionUnknown].
func (b *branch) locate(ctx context.Context, mark eventstore.Position) (*eventstore.Revision, error) {
	if mark.Seq < 1 {
		return nil, ErrPositionUnknown
	}
	revision, err := b.revisionAt(ctx, mark.Seq)
	if err != nil {
		return nil, err
	}
	if revision.Position() != mark {
		return nil, ErrPositionUnknown
	}
	return revision, nil
}
