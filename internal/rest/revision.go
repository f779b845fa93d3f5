package rest

import (
	"context"

	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// revisionFrame is about how many bytes of JSON a revision has beside its name, values and reason.
const revisionFrame = 320

// changes adds a part of the history, as GraphQL has it in ConfigChangeBatch.
func (s *jsonStream) changes(found configstore.Changes) {
	s.put(`{"changes":`).revisions(found.Revisions)
	s.put(`,"position":`).position(found.Position).put(`,"caughtUp":`).bool(found.CaughtUp).put(`}`)
}

// revisionsAt adds a page of revisions.
func (s *jsonStream) revisionsAt(page []*eventstore.Revision, at eventstore.Position) {
	s.put(`{"revisions":`).revisions(page).put(`,"position":`).position(at).put(`}`)
}

func (s *jsonStream) revisions(all []*eventstore.Revision) *jsonStream {
	return s.each(len(all), func(i int) { s.revision(all[i]) })
}

// revision adds a revision, as GraphQL has it in ConfigRevision. It has no ids, since only GraphQL
// takes ids.
func (s *jsonStream) revision(r *eventstore.Revision) *jsonStream {
	return s.revisionWith(r, true)
}

// state adds the revision that made a config as it is, null for nil. It lacks oldValue, which a
// state does not have: see [withOldValues].
func (s *jsonStream) state(c *projection.Config) *jsonStream {
	if c == nil {
		return s.put(`null`)
	}
	return s.revisionWith(newestOf(c), false)
}

// newestOf returns the newest revision of a config, without its old value.
func newestOf(c *projection.Config) *eventstore.Revision {
	r := &eventstore.Revision{Event: c.Event(), Seq: c.Seq, ChangeSet: c.ChangeSet(), Actor: c.Actor(), Reason: c.Reason(), Reverts: c.Reverts()}
	prefix := c.Position().Prefix
	copy(r.Hash[:], prefix[:])
	return r
}

// withOldValues returns the newest revisions of configs, with the old values that old has of them:
// as many of the first ones as [pageBytes] hold, one at least.
func withOldValues(ctx context.Context, configs []*projection.Config, old *configstore.OldValues) (found []*eventstore.Revision, err error) {
	bytes := 0
	for _, c := range configs {
		value, err := old.Of(ctx, c)
		if err != nil {
			return nil, err
		}
		r := newestOf(c)
		if r.OldErased = value == nil; value != nil { // without an old value, it does not count
			r.OldValue = *value
		}
		if bytes += r.Bytes(); bytes > pageBytes && len(found) > 0 {
			break
		}
		found = append(found, r)
	}
	return found, nil
}

func (s *jsonStream) revisionWith(r *eventstore.Revision, oldValue bool) *jsonStream {
	s.put(`{"name":`).plain(r.Name.String()).put(`,"operation":`).plain(string(r.Operation()))
	s.put(`,"value":`).textIf(r.HasValue(), r.Value.String())
	if oldValue {
		s.put(`,"oldValue":`).textIf(r.HasOldValue(), r.OldValue.String())
	}
	s.put(`,"version":`).number(int64(r.Version)).put(`,"position":`).position(r.Position())
	s.put(`,"changeSet":`).position(r.ChangeSet).put(`,"committedAt":`).instant(r.At)
	s.put(`,"actor":`).nullable(r.Actor).put(`,"reason":`).nullable(r.Reason).put(`,"reverts":`)
	if r.Reverts == nil {
		s.put(`null`)
	} else {
		s.position(*r.Reverts)
	}
	return s.put(`,"erased":`).bool(r.Erased).put(`}`)
}
