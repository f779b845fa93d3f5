package configstore

import (
	"context"
	"errors"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// history is the history of a generation as reads see it: what is applied, and the event store for
// the rest. Every read of the event store names the newest view's head as its basis, so no answer
// is of another history.
type history struct {
	events       eventstore.Store
	projection   *projection.Projection
	feed         *feed.Feed
	follower     *projection.Follower
	heads        *headReads
	positionWait time.Duration // see [Options]
}

// view returns the newest view.
func (h *history) view() *projection.View { return h.projection.View() }

// revisionAt returns the revision at a seq that is applied.
func (h *history) revisionAt(ctx context.Context, seq eventstore.Seq) (*eventstore.Revision, error) {
	if recent := h.feed.Find(seq); recent != nil {
		return recent, nil
	}
	records, err := h.events.ReadHistory(ctx, h.view().Head(), seq-1, eventstore.Limit{Records: 1})
	switch {
	case err != nil:
		return nil, h.readFailed(err)
	case len(records) == 0 || records[0].Seq != seq:
		return nil, h.readFailed(projection.ErrDiverged)
	}
	revision, err := eventstore.Decode(&records[0])
	if err != nil {
		return nil, err
	}
	return revision, h.completeSets(ctx, []*eventstore.Revision{revision})
}

// pageOf reads revisions of a name after a version, up to a limit. The history must have some.
func (h *history) pageOf(ctx context.Context, name config.Name, after int, limit eventstore.Limit) ([]*eventstore.Revision, error) {
	records, err := h.events.ReadConfig(ctx, h.view().Head(), name.String(), after, limit)
	return h.decode(ctx, records, err)
}

// headAt returns the head that the history had at an instant before the time of the applied head. A
// change set counts from its end on: no reader has ever seen a part of it.
func (h *history) headAt(ctx context.Context, instant time.Time) (eventstore.Head, error) {
	newest, err := h.events.ReadInstant(ctx, h.view().Head(), instant)
	switch {
	case err != nil:
		return eventstore.Head{}, h.readFailed(err)
	case newest.Seq == newest.ChangeSet: // also when there is none
		return eventstore.HeadOf(&newest), nil
	}
	return h.beforeSet(ctx, newest.Seq, newest.ChangeSet)
}

// decode decodes the records that a read of one name has returned with err. No records is an error,
// too.
func (h *history) decode(ctx context.Context, records []eventstore.Record, err error) ([]*eventstore.Revision, error) {
	switch {
	case err != nil:
		return nil, h.readFailed(err)
	case len(records) == 0:
		return nil, h.readFailed(projection.ErrDiverged)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		return nil, err
	}
	return revisions, h.completeSets(ctx, revisions)
}

// completeSets reads the ends of those change sets that the revisions were decoded without. The
// revisions must not be shared with other goroutines yet.
func (h *history) completeSets(ctx context.Context, revisions []*eventstore.Revision) error {
	var end eventstore.Position // of the set that was completed last; neighbours often share it
	for _, r := range revisions {
		if r.ChangeSetKnown() {
			continue
		}
		if r.ChangeSet.Seq != end.Seq {
			last, err := h.revisionAt(ctx, r.ChangeSet.Seq)
			if err != nil {
				return err
			}
			end = last.Position()
		}
		r.ChangeSet = end
	}
	return nil
}

// readFailed returns the error of a read of the event store that failed: the history was replaced,
// or the event store is not available. When the read has found another history, it wakes the
// follower.
func (h *history) readFailed(err error) error {
	var broken *eventstore.ChainError
	if errors.Is(err, projection.ErrDiverged) || errors.As(err, &broken) {
		h.follower.Wake()
	}
	if ended := h.feed.Err(); ended != nil {
		return ended
	}
	return fault.ReadFailed(err)
}
