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

// change is an event that a set leads to, and the state of its config before and after it.
type change struct {
	event         config.Event
	before, after *projection.Config
	last          bool // the value of the event is the last one before a deletion
}

// judgement is what a change set leads to. The memory of changes is used again for the next set.
type judgement struct {
	at        time.Time // of the decision
	changes   []change
	unchanged []config.Name
	failures  []fault.Failure
	// lacksValue reports whether the set restores a value that was not read. If it has no failures
	// without it, it cannot be decided.
	lacksValue bool
}

// release lets go of the values of the last set, and of the memory of a large one.
func (j *judgement) release() {
	clear(j.changes)
	*j = judgement{changes: j.changes[:0]}
	if cap(j.changes) > maxKeptChanges {
		j.changes = nil
	}
}

// maxKeptChanges is for how many changes memory is kept from one batch to the next.
const maxKeptChanges = 16

// judge decides all changes of a set on the present state, which it does not touch. No change can
// depend on another one, since their names are different.
func (b *batch) judge(r *request) *judgement {
	j := b.judged
	*j = judgement{at: b.nextTime(), changes: j.changes[:0]}
	for i := range r.set.Changes {
		b.judgeChange(j, r, i)
	}
	j.checkBytes(&r.set)
	if b.isOutdated(r.set.Plan) {
		j.failures = append(j.failures, fault.Failure{Change: -1, Err: config.ErrPlanOutdated})
	}
	if len(r.set.Skipped) > 0 {
		j.unchanged = append(j.unchanged, r.set.Skipped...)
	}
	return j
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

func (b *batch) judgeChange(j *judgement, r *request, i int) {
	cmd := r.set.Changes[i].Command
	if cmd == nil { // it is invalid
		return
	}
	before := b.state(cmd.Target())
	event, changes, err := b.aggregate(cmd.Target(), before).Decide(cmd, j.at)
	if r.set.AsSeenAt != nil && before != nil && before.Seq > r.seenAt {
		j.refuse(i, "name", fault.ErrStale, before)
	}
	last := err == nil && restoresLastValue(cmd)
	switch {
	case err != nil:
		j.refuse(i, fieldOf(err), err, before)
	case last && !b.hasLastValue(before):
		j.lacksValue = true
	case last && b.last[before.Position()].Erased:
		j.refuse(i, "name", fault.ErrErased, before)
	case changes:
		j.changes = append(j.changes, change{event: event, before: before, last: last})
	default:
		j.unchanged = append(j.unchanged, cmd.Target())
	}
}

func (b *batch) hasLastValue(deleted *projection.Config) bool {
	_, known := b.last[deleted.Position()]
	return known
}

func (j *judgement) refuse(i int, field string, reason error, current *projection.Config) {
	j.failures = append(j.failures, fault.Failure{Change: i, Field: field, Err: &fault.Refusal{Reason: reason, Current: current}})
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

// checkBytes adds a failure for each bound of bytes that the set breaks.
func (j *judgement) checkBytes(set *config.ChangeSet) {
	if len(set.Changes) <= 1 {
		return
	}
	written, replaced := set.Bytes(), 0
	for i := range j.changes {
		c := &j.changes[i]
		if c.event.HasOldValue() {
			replaced += len(c.event.OldValue.String())
		}
		if c.last {
			written += len(c.event.Value.String())
		}
	}
	j.checkBound(written, "names, reason and new values")
	j.checkBound(replaced, "values that they replace or delete")
}

func (j *judgement) checkBound(bytes int, of string) {
	if bytes > config.MaxChangeSetBytes {
		rule := fmt.Sprintf("have %d bytes of %s; at most %d are allowed", bytes, of, config.MaxChangeSetBytes)
		j.failures = append(j.failures, wholeSet(&config.InvalidError{Field: "changes", Rule: rule, TooLarge: true}))
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

// Judge decides a set on a view as [Writer.Do] does, up to the append: it changes nothing. failures
// are those that are known already, for example from [Check]. last are the last values of deleted
// configs that the set restores.
//
// The revisions of the outcome are what the changes would be: their seq, hash and change set are
// those of the view, their time is the present. The errors are those of Do.
func (w *Writer) Judge(view *projection.View, caller auth.Caller, set config.ChangeSet, seenAt eventstore.Seq, last LastValues, failures []fault.Failure) (Outcome, error) {
	r := &request{caller: caller, set: set, seenAt: seenAt}
	b := newBatch(view, nil, last, &w.opts, 0, new(judgement))
	j := b.judge(r)
	if failures = append(failures, j.failures...); len(failures) > 0 {
		return Outcome{}, reject(failures, b.tip.Position())
	}
	if j.lacksValue {
		return Outcome{}, fault.NotWritten(errLacksValue)
	}
	outcome := Outcome{Unchanged: j.unchanged, Position: b.tip.Position()}
	reason, reverts := reasonOf(&set), revertsOf(&set)
	for i := range j.changes {
		outcome.Revisions = append(outcome.Revisions, &eventstore.Revision{
			Event: j.changes[i].event, Seq: b.tip.Seq, Hash: b.tip.Hash, ChangeSet: b.tip.Position(), Actor: caller.Actor(), Reason: reason, Reverts: reverts,
		})
	}
	return outcome, nil
}
