package configstore

import (
	"context"

	"configapi/internal/eventstore"
)

// explained is the event store of reads of users. Of a record whose data was erased, the history
// must have a later event that says so: otherwise the error of a read is an
// [*eventstore.ChainError]. When that event is not applied here yet, a read waits for it.
type explained struct {
	eventstore.Store
	history *history
	recent  *recentReads
}

func (s explained) ReadHistory(ctx context.Context, basis eventstore.Head, after eventstore.Seq, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.ReadHistory(ctx, basis, after, limit)
	if err == nil {
		s.recent.add(records)
	}
	return s.check(ctx, records, err)
}

func (s explained) ReadConfig(ctx context.Context, basis eventstore.Head, name string, after int, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.ReadConfig(ctx, basis, name, after, limit)
	return s.check(ctx, records, err)
}

func (s explained) ReadConfigBack(ctx context.Context, basis eventstore.Head, name string, before int, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.ReadConfigBack(ctx, basis, name, before, limit)
	return s.check(ctx, records, err)
}

func (s explained) ReadBack(ctx context.Context, basis eventstore.Head, q eventstore.Back, limit eventstore.Limit) ([]eventstore.Record, eventstore.Seq, error) {
	records, end, err := s.Store.ReadBack(ctx, basis, q, limit)
	records, err = s.check(ctx, records, err)
	return records, end, err
}

func (s explained) ReadAsOf(ctx context.Context, basis eventstore.Head, q eventstore.AsOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	records, err := s.Store.ReadAsOf(ctx, basis, q, limit)
	return s.check(ctx, records, err)
}

func (s explained) ReadVersions(ctx context.Context, basis eventstore.Head, versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
	kept, missing := s.recent.find(versions, s.history.view().IsErased)
	var read []eventstore.Record
	var err error
	if len(missing) > 0 || len(versions) == 0 {
		if read, err = s.Store.ReadVersions(ctx, basis, missing, limit); err != nil {
			return nil, err
		}
	}
	return s.check(ctx, inOrder(versions, kept, read, limit), nil)
}

// check returns the records that a read has returned with err.
func (s explained) check(ctx context.Context, records []eventstore.Record, err error) ([]eventstore.Record, error) {
	if err != nil {
		return nil, err
	}
	for i := range records {
		if records[i].Erased {
			if err := s.history.explain(ctx, records[i].Seq); err != nil {
				return nil, err
			}
		}
	}
	return records, nil
}

// explain returns nil when an applied event says that it erases the one at a seq. It waits for such
// an event for as long as a read waits for a position.
func (h *history) explain(ctx context.Context, seq eventstore.Seq) error {
	waiting, cancel := context.WithTimeout(ctx, h.positionWait)
	defer cancel()
	for {
		view := h.view()
		if view.MayBeErased(seq) {
			return nil
		}
		h.follower.Wake()
		err := h.feed.Await(waiting, view.Head().Seq)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case waiting.Err() != nil:
			return &eventstore.ChainError{Seq: seq, Problem: "its data is missing, and no later event says that it was erased"}
		case err != nil:
			return err
		}
	}
}

// hasStreams reports whether events of streams that are no configs are among the revisions.
func hasStreams(revisions []*eventstore.Revision) bool {
	for _, r := range revisions {
		if r.Stream != nil {
			return true
		}
	}
	return false
}

// ofConfigs returns those of the revisions that are of configs.
func ofConfigs(revisions []*eventstore.Revision) []*eventstore.Revision {
	if !hasStreams(revisions) {
		return revisions
	}
	var found []*eventstore.Revision
	for _, r := range revisions {
		if r.Stream == nil {
			found = append(found, r)
		}
	}
	return found
}
