package writer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// change is an event that a set leads to, and the state of its config before it.
type change struct {
	event    config.Event
	before   *projection.Config
	last     bool                 // the value of the event is the last one before a deletion
	revision *eventstore.Revision // nil until the event is in the batch
	after    *projection.Config   // nil until it is asked for
}

// next returns the state of the config after the change, which is in the batch.
func (c *change) next() *projection.Config {
	if c.after == nil {
		c.after = c.before.Next(c.revision)
	}
	return c.after
}

// draft is what a change set leads to. The memory of its changes is used again for the next set.
type draft struct {
	at        time.Time // of the decision
	changes   []change
	unchanged []config.Name
	failures  []fault.Failure
	readable  config.Prefixes // to the caller
	used      int             // the most changes of a set since the last release
	// lacksValue reports whether the set restores a value that was not read. If it has no failures
	// without it, it cannot be decided.
	lacksValue bool
}

// release lets go of the values of the last sets. The memory stays: a set has at most
// [config.MaxChanges] changes.
func (d *draft) release() {
	used := d.changes[:max(d.used, len(d.changes))]
	clear(used)
	*d = draft{changes: used[:0]}
}

// draftOf decides all changes of a set on the present state, which it does not touch. No change can
// depend on another one, since their names are different.
func (b *batch) draftOf(r *request, grants *auth.Grants) *draft {
	b.settle() // its changes have the memory of this draft
	d := b.drafted
	used := max(d.used, len(d.changes))
	*d = draft{at: b.nextTime(), readable: grants.Scope(auth.Read), changes: slices.Grow(d.changes[:0], len(r.set.Changes)), used: used}
	for i := range r.set.Changes {
		b.draftChange(d, r, i)
	}
	d.checkBytes(&r.set)
	if b.isOutdated(r.set.Plan) {
		d.failures = append(d.failures, fault.Failure{Change: -1, Err: config.ErrPlanOutdated})
	}
	if len(r.set.Skipped) > 0 {
		d.unchanged = append(d.unchanged, r.set.Skipped...)
	}
	return d
}

// isOutdated reports whether a config that a plan rests on has changed since, also by the batch.
func (b *batch) isOutdated(plan *config.Plan) bool {
	if plan == nil {
		return false
	}
	if b.view.ChangedSince(eventstore.Seq(plan.Seq), plan.Filter) {
		return true
	}
	for name := range b.pending {
		if plan.Filter.Matches(name) {
			return true
		}
	}
	return false
}

func (b *batch) draftChange(d *draft, r *request, i int) {
	cmd := r.set.Changes[i].Command
	if cmd == nil { // it is invalid
		return
	}
	before := b.state(cmd.Target())
	refuse := func(field string, reason error) {
		err := refusalOf(reason, before, !d.readable.Has(cmd.Target()))
		d.failures = append(d.failures, fault.Failure{Change: i, Field: field, Err: err})
	}
	event, changes, err := b.aggregate(cmd.Target(), before).Decide(cmd, d.at)
	if r.set.AsSeenAt != nil && before != nil && before.Seq > r.seenAt {
		refuse("name", fault.ErrStale)
	}
	last := err == nil && restoresLastValue(cmd)
	switch {
	case err != nil:
		refuse(fieldOf(err), err)
	case last && !b.hasLastValue(before):
		d.lacksValue = true
	case last && b.last[before.Position()].Erased:
		refuse("name", fault.ErrErased)
	case changes:
		d.changes = append(d.changes, change{event: event, before: before, last: last})
	default:
		d.unchanged = append(d.unchanged, cmd.Target())
	}
}

func (b *batch) hasLastValue(deleted *projection.Config) bool {
	_, known := b.last[deleted.Position()]
	return known
}

// fieldOf returns the part of a change that a refusal is about.
func fieldOf(err error) string {
	var conflict *config.VersionConflictError
	switch {
	case errors.As(err, &conflict):
		return "expectedVersion"
	case errors.Is(err, config.ErrRevisionConflict):
		return "expectedRevision"
	}
	return "name"
}

// checkBytes adds a failure for each bound of bytes that the set breaks. A caller that may not read
// all values that the set replaces does not learn how many bytes they have.
func (d *draft) checkBytes(set *config.ChangeSet) {
	if len(set.Changes) <= 1 {
		return
	}
	written, replaced, shown := set.Bytes(), 0, true
	for i := range d.changes {
		c := &d.changes[i]
		if c.event.HasOldValue() {
			replaced += len(c.event.OldValue.String())
			shown = shown && d.readable.Has(c.event.Name)
		}
		if c.last {
			written += len(c.event.Value.String())
		}
	}
	d.checkBound(written, true, "names, reason and new values")
	d.checkBound(replaced, shown, "values that they replace or delete")
}

func (d *draft) checkBound(bytes int, shown bool, of string) {
	if bytes > config.MaxChangeSetBytes {
		rule := fmt.Sprintf("have %d bytes of %s; at most %d are allowed", bytes, of, config.MaxChangeSetBytes)
		if !shown {
			rule = fmt.Sprintf("have too many bytes of %s; at most %d are allowed", of, config.MaxChangeSetBytes)
		}
		d.failures = append(d.failures, wholeSet(&config.InvalidError{Field: "changes", Rule: rule, TooLarge: true}))
	}
}

// wholeSet returns the failure of a set as a whole.
func wholeSet(err *config.InvalidError) fault.Failure {
	return fault.Failure{Change: -1, Field: err.Field, Err: err}
}

// Check returns what is wrong with a change set whatever the state of its configs is: a set for
// [Writer.Do] has no such failure. Of a set with too many changes it looks at none.
func Check(set *config.ChangeSet) (failures []fault.Failure) {
	counted := len(set.Changes) == 0 && set.Asked != nil
	for _, err := range set.Invalid {
		failures = append(failures, wholeSet(err))
		counted = counted || err.Field == "changes"
	}
	if err := config.CheckCount(len(set.Changes)); err != nil {
		if !counted {
			failures = append(failures, wholeSet(err))
		}
		return failures
	}
	for i := range set.Changes {
		for _, err := range set.Changes[i].Invalid {
			failures = append(failures, fault.Failure{Change: i, Field: err.Field, Err: err})
		}
	}
	if len(set.Changes) > 1 {
		failures = append(failures, repeatedNames(set.Changes)...)
	}
	return failures
}

// repeatedNames returns a failure for each change of a name that an earlier change has.
func repeatedNames(changes []config.Change) (failures []fault.Failure) {
	first := make(map[config.Name]int, len(changes)) // :: name → index of its first change
	for i := range changes {
		if changes[i].Command == nil {
			continue
		}
		name := changes[i].Command.Target()
		if earlier, repeated := first[name]; repeated {
			err := &config.InvalidError{Field: "name", Rule: fmt.Sprintf("stands in changes[%d] already; a name may stand only once", earlier)}
			failures = append(failures, fault.Failure{Change: i, Field: err.Field, Err: err})
			continue
		}
		first[name] = i
	}
	return failures
}

// reject returns the rejection of a set that was decided at a position. The failures of its changes
// come first, in order, then those of the set as a whole.
func reject(failures []fault.Failure, at eventstore.Position) error {
	slices.SortStableFunc(failures, func(a, b fault.Failure) int {
		return cmp.Compare(uint(a.Change), uint(b.Change)) // -1 is the greatest
	})
	return &fault.Rejection{Failures: failures, Position: at}
}

// DryRun decides a set on a view as [Writer.Do] does, up to the append: it changes nothing. The
// failures are those that are known already, for example from [Check]; last are the last values of
// deleted configs that the set restores.
//
// The revisions of the outcome are what the changes would be: their seq, hash and change set are
// those of the view, their time is the present. The errors are those of Do, and the outcome has the
// Grants in any case.
func (w *Writer) DryRun(view *projection.View, caller auth.Caller, set config.ChangeSet, seenAt eventstore.Seq, last LastValues, failures []fault.Failure) (Outcome, error) {
	r := &request{caller: caller, set: set, seenAt: seenAt}
	b := newBatch(view, nil, last, &w.opts, 0, new(draft))
	outcome := Outcome{Grants: b.grants(caller), Position: b.tip.Position()}
	if forbidden := Forbidden(outcome.Grants, &set); len(forbidden) > 0 {
		return outcome, reject(forbidden, b.tip.Position())
	}
	d := b.draftOf(r, outcome.Grants)
	if failures = append(failures, d.failures...); len(failures) > 0 {
		return outcome, reject(failures, b.tip.Position())
	}
	if d.lacksValue {
		return outcome, fault.NotWritten(errLacksValue)
	}
	outcome.Unchanged = d.unchanged
	reason, reverts := reasonOf(&set), revertsOf(&set)
	for i := range d.changes {
		outcome.Revisions = append(outcome.Revisions, &eventstore.Revision{
			Event: d.changes[i].event, Seq: b.tip.Seq, Hash: b.tip.Hash, ChangeSet: b.tip.Position(), Actor: caller.Actor(), Reason: reason, Reverts: reverts,
		})
	}
	return outcome, nil
}
