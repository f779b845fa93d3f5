package configstore

import (
	"context"
	"errors"
	"slices"
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
	own          eventstore.Store // for the node itself
	events       eventstore.Store // for users
	codec        config.Codec
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
	revisions, err := eventstore.DecodeFacts(h.codec, records[:1])
	if err != nil {
		return nil, err
	}
	_, err = h.complete(ctx, eventstore.OldValuePage{Revisions: revisions})
	return revisions[0], err
}

// pageOf reads revisions of a name after a version, up to a limit of records and bytes, but one at
// least. The history must have some. before is the revision with that version; it may be nil.
func (h *history) pageOf(ctx context.Context, name config.Name, after int, before *eventstore.Revision, limit eventstore.Limit) ([]*eventstore.Revision, error) {
	records, err := h.events.ReadConfig(ctx, h.view().Head(), name.String(), after, limit)
	revisions, err := h.decode(records, err)
	if err != nil {
		return nil, err
	}
	page := eventstore.OldValuePage{Revisions: revisions, Bytes: limit.Bytes}
	if before != nil {
		page.Further = []*eventstore.Revision{before}
	}
	return h.complete(ctx, page)
}

// pageBack reads at most first revisions of a name, and a page of bytes, before a version, newest
// first. The history must have some.
func (h *history) pageBack(ctx context.Context, name config.Name, before, first int) ([]*eventstore.Revision, error) {
	// One more than is asked for, because its value is the old value of the last one.
	records, err := h.events.ReadConfigBack(ctx, h.view().Head(), name.String(), before, eventstore.Limit{Records: first + 1})
	revisions, err := h.decode(records, err)
	if err != nil {
		return nil, err
	}
	asked := revisions[:min(first, len(revisions))]
	return h.complete(ctx, eventstore.OldValuePage{Revisions: asked, Further: revisions[len(asked):]})
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
func (h *history) decode(records []eventstore.Record, err error) ([]*eventstore.Revision, error) {
	switch {
	case err != nil:
		return nil, h.readFailed(err)
	case len(records) == 0:
		return nil, h.readFailed(projection.ErrDiverged)
	}
	return eventstore.DecodeAll(records)
}

// complete gives the first revisions of a page their old values and change sets, and returns those
// that fit into the page with them.
func (h *history) complete(ctx context.Context, page eventstore.OldValuePage) ([]*eventstore.Revision, error) {
	n, err := eventstore.CompleteOldValues(ctx, h, h.view().Head(), page)
	var broken *eventstore.ChainError
	if errors.As(err, &broken) {
		err = h.readFailed(err)
	}
	if err != nil {
		return nil, err
	}
	complete := page.Revisions[:n:n]
	return complete, h.completeSets(ctx, complete)
}

// ReadVersions is that of the event store. Its errors are those of readFailed.
func (h *history) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := h.events.ReadVersions(ctx, basis, versions, limit)
	if err != nil {
		return nil, h.readFailed(err)
	}
	return records, nil
}

// completeSets reads the ends of those change sets that the revisions were decoded without. The
// revisions must not be shared with other goroutines yet.
func (h *history) completeSets(ctx context.Context, revisions []*eventstore.Revision) error {
	ends := make(map[eventstore.Seq]eventstore.Position) // :: last seq of a set → its position
	var missing []eventstore.Seq
	for _, r := range revisions {
		end := r.ChangeSet.Seq
		if _, known := ends[end]; known || r.ChangeSetKnown() {
			continue
		}
		if recent := h.feed.Find(end); recent != nil {
			ends[end] = recent.Position()
			continue
		}
		ends[end] = eventstore.Position{}
		missing = append(missing, end)
	}
	for chunk := range slices.Chunk(missing, eventstore.MaxAsOfNames) {
		heads, err := h.events.ReadHeads(ctx, h.view().Head(), chunk)
		switch {
		case err != nil:
			return h.readFailed(err)
		case len(heads) != len(chunk):
			return h.readFailed(projection.ErrDiverged)
		}
		for _, head := range heads {
			ends[head.Seq] = head.Position()
		}
	}
	for _, r := range revisions {
		if !r.ChangeSetKnown() {
			r.ChangeSet = ends[r.ChangeSet.Seq]
		}
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
