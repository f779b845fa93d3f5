package configstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// headTimeout bounds the read of the head that decides whether a position exists, however short the
// wait for the position itself is.
const headTimeout = 2 * time.Second

// linearizable returns a view that includes everything that was in the history when it was called:
// it reads the head row, and waits until that is applied. Both together take Options.PositionWait
// at most; then the error is [fault.ErrPositionNotReached].
func (h *history) linearizable(ctx context.Context) (*projection.View, error) {
	waiting, cancel := context.WithTimeout(ctx, h.positionWait)
	defer cancel()
	return h.linearizableUntil(ctx, waiting)
}

// linearizableUntil is linearizable, but waits until waiting ends, which is ctx or derived from it.
func (h *history) linearizableUntil(ctx, waiting context.Context) (*projection.View, error) {
	head, err := h.newestHead(waiting)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fault.ErrPositionNotReached
	case err != nil:
		return nil, err
	}
	view := h.view()
	if head.Seq > view.Head().Seq {
		if view, err = h.awaitApplied(ctx, waiting, head.Seq); err != nil {
			return nil, err
		}
	}
	if _, err = h.endOf(ctx, view, head.Position()); errors.Is(err, fault.ErrPositionUnknown) {
		return nil, h.readFailed(fmt.Errorf("%w: position %d has another hash", projection.ErrDiverged, head.Seq))
	}
	return view, err
}

// await returns a view that includes a seq: the given view, or the newest one once that includes
// it. A seq that the history does not have is [fault.ErrPositionUnknown] at once. One that this
// node has not applied is waited for (0: Options.PositionWait), then the error is
// [fault.ErrPositionNotReached].
func (h *history) await(ctx context.Context, view *projection.View, seq eventstore.Seq, wait time.Duration) (*projection.View, error) {
	if seq <= view.Head().Seq {
		return view, nil
	}
	waiting, cancel := context.WithTimeout(ctx, cmp.Or(wait, h.positionWait))
	defer cancel()
	if err := h.checkExists(ctx, seq); err != nil {
		return nil, err
	}
	return h.awaitApplied(ctx, waiting, seq)
}

// awaitApplied waits for a seq that the history has until waiting ends, which is derived from ctx.
func (h *history) awaitApplied(ctx, waiting context.Context, seq eventstore.Seq) (*projection.View, error) {
	err := h.feed.Await(waiting, seq-1)
	switch {
	case err == nil:
		return h.view(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case waiting.Err() != nil:
		return nil, fault.ErrPositionNotReached
	}
	return nil, err
}

// checkExists returns nil when the history has a seq, and [fault.ErrPositionUnknown] when it does
// not. It reads the head of the history unless the seq is applied. An error of kind
// [fault.Unavailable] says that the head could not be read within [headTimeout].
func (h *history) checkExists(ctx context.Context, seq eventstore.Seq) error {
	if seq <= h.view().Head().Seq {
		return nil
	}
	reading, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	head, err := h.newestHead(reading)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case seq > head.Seq:
		return fault.ErrPositionUnknown
	}
	return nil
}

// newestHead reads the head of the history. A head before what was applied when the read began is
// an error: the tail of the history is lost.
func (h *history) newestHead(ctx context.Context) (eventstore.Head, error) {
	before := h.view().Head()
	head, err := h.heads.read(ctx)
	switch {
	case err != nil:
		return eventstore.Head{}, h.readFailed(err)
	case head.Seq < before.Seq:
		return eventstore.Head{}, h.readFailed(fmt.Errorf("%w: its head is %s, applied is %s", projection.ErrDiverged, head.Position(), before.Position()))
	}
	return head, nil
}

// endOf returns the head that the history had at the end of the change set to which a position
// belongs. The position must not be beyond the view. The error is [fault.ErrPositionUnknown] when
// the history has something else there.
func (h *history) endOf(ctx context.Context, view *projection.View, at eventstore.Position) (eventstore.Head, error) {
	if at == view.Head().Position() || at == (eventstore.Position{}) {
		return headOf(view, at), nil
	}
	revision, err := h.locate(ctx, at)
	if err != nil {
		return eventstore.Head{}, err
	}
	if !revision.EndsChangeSet() {
		if revision, err = h.revisionAt(ctx, revision.ChangeSet.Seq); err != nil {
			return eventstore.Head{}, err
		}
	}
	return revision.Head(), nil
}

// startAfter returns the head after which a stream continues that has come to a position. The
// position must not be beyond the view. Inside a change set, the head is the one before the set:
// the stream gives the whole of it again.
func (h *history) startAfter(ctx context.Context, view *projection.View, at eventstore.Position) (eventstore.Head, error) {
	if at == view.Head().Position() || at == (eventstore.Position{}) {
		return headOf(view, at), nil
	}
	revision, err := h.locate(ctx, at)
	switch {
	case err != nil:
		return eventstore.Head{}, err
	case revision.EndsChangeSet():
		return revision.Head(), nil
	}
	return h.beforeSet(ctx, revision.Seq, revision.ChangeSet.Seq)
}

// startOf returns the head before the change set to which a position belongs. The position must not
// be beyond the view.
func (h *history) startOf(ctx context.Context, at eventstore.Position) (eventstore.Head, error) {
	revision, err := h.locate(ctx, at)
	if err != nil {
		return eventstore.Head{}, err
	}
	return h.beforeSet(ctx, revision.Seq, revision.ChangeSet.Seq)
}

// headOf returns the head at a position that is that of the view, or the zero one.
func headOf(view *projection.View, at eventstore.Position) eventstore.Head {
	if at.Seq == 0 {
		return eventstore.Head{}
	}
	return view.Head()
}

// beforeSet returns the head before the change set that ends at one seq and includes another one.
func (h *history) beforeSet(ctx context.Context, within, end eventstore.Seq) (eventstore.Head, error) {
	// One that is not in the set, and one that is.
	before, first := max(0, end-config.MaxChanges), within
	for first-before > 1 {
		middle := before + (first-before)/2
		revision, err := h.revisionAt(ctx, middle)
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
	last, err := h.revisionAt(ctx, before)
	if err != nil {
		return eventstore.Head{}, err
	}
	return last.Head(), nil
}

// locate returns the revision at a position that is applied. The error is
// [fault.ErrPositionUnknown] when the history has something else there, and of kind
// [fault.Unavailable] when that is the history of the event store no longer.
func (h *history) locate(ctx context.Context, at eventstore.Position) (*eventstore.Revision, error) {
	if at.Seq < 1 {
		return nil, fault.ErrPositionUnknown
	}
	revision, err := h.revisionAt(ctx, at.Seq)
	if err != nil {
		return nil, err
	}
	if revision.Position() != at {
		return nil, h.refuse(ctx, at)
	}
	return revision, nil
}

// refuse returns [fault.ErrPositionUnknown] for a position at which the applied history has
// something else, unless the event store has the position: then another history has taken the place
// of the applied one, and this node has not noticed it yet. The read has no basis, since the event
// store may have the other history.
func (h *history) refuse(ctx context.Context, at eventstore.Position) error {
	reading, cancel := context.WithTimeout(ctx, headTimeout)
	defer cancel()
	heads, err := h.own.ReadHeads(reading, eventstore.Head{}, []eventstore.Seq{at.Seq})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return h.readFailed(err)
	case len(heads) == 1 && heads[0].Position() == at:
		return h.readFailed(fmt.Errorf("%w: it has %s", projection.ErrDiverged, at))
	}
	return fault.ErrPositionUnknown
}
