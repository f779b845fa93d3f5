package configstore

import (
	"slices"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/writer"
)

// authorise refuses a set that its caller may not make, before anything of the state is looked at.
// If the input is invalid, the caller learns that instead: it says nothing about the state, either.
func (g *generation) authorise(caller auth.Caller, set *config.ChangeSet, invalid []fault.Failure) error {
	forbidden := writer.Forbidden(caller.Grants, set)
	if len(forbidden) == 0 {
		return nil
	}
	if len(invalid) > 0 {
		forbidden = invalid
	}
	return &fault.Rejection{Failures: forbidden, Position: g.view().Head().Position()}
}

// mayRead reports whether the caller of a write may read a config.
func (w *written) mayRead(name config.Name) bool { return w.Grants.Scope(auth.Read).Has(name) }

// cut removes from the outcome of a set what its caller may not see: of a config that it may not
// read, all but what its own change made.
func (w *written) cut() {
	readable := w.Grants.Scope(auth.Read)
	if !readable.All() {
		w.Revisions = withoutOldValues(w.Revisions, readable)
	}
}

// cutRecalled removes from a recalled outcome what its caller may not see today. Names that the
// caller has not given, because the changes were computed, are left out when it may not read them.
// When it may read but not change some of them, the error is that of a set with such changes.
func (w *written) cutRecalled(set *config.ChangeSet, outcome *SetOutcome) error {
	readable := w.Grants.Scope(auth.Read)
	hidden := func(n config.Name) bool { return !readable.Has(n) }
	outcome.Unchanged = slices.DeleteFunc(outcome.Unchanged, hidden)
	if set.Asked == nil {
		outcome.Revisions = withoutOldValues(outcome.Revisions, readable)
		return nil
	}
	outcome.Revisions = slices.DeleteFunc(outcome.Revisions, func(r *eventstore.Revision) bool { return hidden(r.Name) })
	if forbidden := forbiddenAmong(outcome.Revisions, w.Grants.Scope(auth.Write)); len(forbidden) > 0 {
		return &fault.Rejection{Failures: forbidden, Position: outcome.Position}
	}
	return nil
}

// mayRevert refuses a revert whose filter selects no name that the caller may read, whether there
// are such configs or not.
func (g *generation) mayRevert(caller auth.Caller, filter config.Filter) error {
	readable := caller.Scope(auth.Read)
	if readable.All() || selectsNone(filter) || !selectsNone(filter.Within(readable)) {
		return nil
	}
	return &fault.Rejection{Failures: []fault.Failure{fault.Unnamed(auth.Read, filter.Prefix())}, Position: g.view().Head().Position()}
}

// selectsNone reports whether a filter selects no name at all.
func selectsNone(filter config.Filter) bool {
	names, listed := filter.Names()
	return listed && len(names) == 0
}

// forbiddenAmong returns a failure for each changed config that the caller may not change.
func forbiddenAmong(changes []*eventstore.Revision, changeable config.Prefixes) (forbidden []fault.Failure) {
	for _, r := range changes {
		if !changeable.Has(r.Name) {
			forbidden = append(forbidden, fault.Unnamed(auth.Write, r.Name.String()))
		}
	}
	return forbidden
}

// withoutOldValues returns revisions without the old values of configs that are not readable.
func withoutOldValues(revisions []*eventstore.Revision, readable config.Prefixes) []*eventstore.Revision {
	shown := slices.Clone(revisions)
	for i, r := range shown {
		if !readable.Has(r.Name) {
			shown[i] = withoutOldValue(r)
		}
	}
	return shown
}

// withoutOldValue returns a revision as one that had no old value.
func withoutOldValue(r *eventstore.Revision) *eventstore.Revision {
	cut := *r
	cut.OldValue, cut.OldErased = config.Value{}, true
	return &cut
}
