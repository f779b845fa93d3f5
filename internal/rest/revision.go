package rest

import (
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// changes adds a part of the history, as GraphQL has it in ConfigChangeBatch.
func (s *jsonStream) changes(found configstore.Changes) {
	s.put(`{"changes":`).revisions(found.Revisions)
	s.put(`,"position":`).text(found.Position.String()).put(`,"caughtUp":`).bool(found.CaughtUp).put(`}`)
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
// state does not have: a read for each of a thousand states costs too much.
func (s *jsonStream) state(c *projection.Config) *jsonStream {
	if c == nil {
		return s.put(`null`)
	}
	r := eventstore.Revision{Event: c.Event(), Seq: c.Seq, ChangeSet: c.ChangeSet(), Actor: c.Actor(), Reason: c.Reason()}
	prefix := c.Position().Prefix
	copy(r.Hash[:], prefix[:])
	return s.revisionWith(&r, false)
}

func (s *jsonStream) revisionWith(r *eventstore.Revision, oldValue bool) *jsonStream {
	s.put(`{"name":`).text(r.Name.String()).put(`,"operation":`).text(string(r.Operation()))
	s.put(`,"value":`).valueIf(r.HasValue(), r.Value)
	if oldValue {
		s.put(`,"oldValue":`).valueIf(r.HasOldValue(), r.OldValue)
	}
	s.put(`,"version":`).number(int64(r.Version)).put(`,"position":`).text(r.Position().String())
	s.put(`,"changeSet":`).text(r.ChangeSet.String()).put(`,"committedAt":`).text(config.FormatInstant(r.At))
	return s.put(`,"actor":`).nullable(r.Actor).put(`,"reason":`).nullable(r.Reason).put(`}`)
}

// valueIf adds a value, or null.
func (s *jsonStream) valueIf(there bool, value config.Value) *jsonStream {
	if !there {
		return s.put(`null`)
	}
	return s.text(value.String())
}
