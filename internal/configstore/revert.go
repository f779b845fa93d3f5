package configstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// Revert asks for configs to be brought back to the values of a moment, as new changes.
type Revert struct {
	To             PointInTime
	Filter         config.Filter
	AsSeenAt       *eventstore.Position // as in [config.ChangeSet], for every name that the filter selects
	DryRun         bool
	Reason         config.Reason
	IdempotencyKey config.IdempotencyKey
}

// Revert carries out a [Revert]: configs that were made since the moment are deleted, those that
// were deleted since are restored. Outcome and errors are as those of [Store.Apply]. When more
// configs differ than one set can hold, nothing is written and the failure says how many do.
//
// It acts on the selected configs that the caller may read; without any such name it is rejected
// with a [*fault.ForbiddenError]. So it is when the caller may not change one of them.
func (s *Store) Revert(ctx context.Context, caller auth.Caller, revert Revert) (SetOutcome, error) {
	set := config.ChangeSet{
		DryRun: revert.DryRun, Reason: revert.Reason, IdempotencyKey: revert.IdempotencyKey, Asked: revert.asked(),
	}
	return s.applyPlan(ctx, caller, revert.Filter, set, func(ctx context.Context, r *Reader, changeable config.Prefixes) (plan, error) {
		return r.planRevert(ctx, changeable, &revert)
	})
}

// asked returns all of what the client asks for but the reason, for [config.RequestHash]. The
// format must never change.
func (r *Revert) asked() []byte {
	names, listed := r.Filter.Names()
	seen := ""
	if r.AsSeenAt != nil {
		seen = r.AsSeenAt.String()
	}
	at := r.To.Position.String()
	if !r.To.Instant.IsZero() {
		at = fmt.Sprint(r.To.Instant.UnixMicro(), "µs")
	}
	return fmt.Appendf(nil, "revert to %s, prefix %q, names %t %q, as seen at %q", at, r.Filter.Prefix(), listed, names, seen)
}

// OnConflict says what to do about a config that has changed again since the change set that is to
// be undone.
type OnConflict int

// The ways to treat such a config.
const (
	FailOnConflict     OnConflict = iota // refuse the whole revert
	SkipConflicts                        // leave those configs as they are
	OverwriteConflicts                   // undo all the same
)

// RevertSet asks to undo one change set, and to keep all later ones.
type RevertSet struct {
	ChangeSet      eventstore.Position // of any of its revisions
	OnConflict     OnConflict
	DryRun         bool
	Reason         config.Reason
	IdempotencyKey config.IdempotencyKey
}

// RevertChangeSet carries out a [RevertSet]. Outcome and errors are as those of [Store.Apply]; a
// failure can also be a [*fault.RevertConflict].
//
// It undoes the changes of the set that the caller may read. A set without any is one that the
// history does not have. When the caller may not change one of these configs, the set is rejected
// with a [*fault.ForbiddenError].
func (s *Store) RevertChangeSet(ctx context.Context, caller auth.Caller, revert RevertSet) (SetOutcome, error) {
	set := config.ChangeSet{
		DryRun: revert.DryRun, Reason: revert.Reason, IdempotencyKey: revert.IdempotencyKey,
		Asked: fmt.Appendf(nil, "undo %s, on conflict %d", revert.ChangeSet, revert.OnConflict),
	}
	return s.applyPlan(ctx, caller, config.Filter{}, set, func(ctx context.Context, r *Reader, changeable config.Prefixes) (plan, error) {
		return r.planUndo(ctx, changeable, &revert)
	})
}

// plan is what a revert comes to at one position.
type plan struct {
	at       eventstore.Head // at which the plan was made
	filter   config.Filter   // selects the configs that the plan rests on
	commands []config.Command
	skipped  []config.Name      // that the client asked for and that need no command
	reverts  *config.RevisionID // the end of the set that is undone, if one is
	failures []fault.Failure
}

// planner makes a plan of what a reader sees, for a caller that may change some names.
type planner func(ctx context.Context, r *Reader, changeable config.Prefixes) (plan, error)

// fail adds a failure that is about a part of the input, or about none of it ("").
func (p *plan) fail(field string, err error) {
	p.failures = append(p.failures, fault.Failure{Change: -1, Field: field, Err: err})
}

// refuse adds a failure that is about a config. The client has not named it, so the text does.
func (p *plan) refuse(name config.Name, reason error, current *projection.Config) {
	p.fail("", &fault.Refusal{Reason: fmt.Errorf("%s: %w", name, reason), Current: current})
}

// planTries is how many times a plan is made again because configs have changed meanwhile.
const planTries = 8

// applyPlan carries out a set whose changes are computed. A plan is made of the newest state, and
// carried out only when no config that it rests on has changed by then. Otherwise it is made again:
// the set takes effect at one position, as if it had been computed there. The caller must be able
// to read some of the names that the filter selects.
func (s *Store) applyPlan(ctx context.Context, caller auth.Caller, filter config.Filter, set config.ChangeSet, makePlan planner) (SetOutcome, error) {
	g, caller, err := s.readyToWrite(caller)
	if err == nil {
		err = g.mayRevert(caller, filter)
	}
	if err != nil {
		return SetOutcome{}, err
	}
	ctx, cancel := s.withWriteTimeout(ctx)
	defer cancel()
	if !set.DryRun {
		// The plan of a request that was carried out before would find its own changes.
		if earlier, found, err := s.Recall(ctx, caller, set); found || err != nil {
			return earlier, err
		}
	}
	for try := 1; ; try++ {
		outcome, err := s.tryPlan(ctx, caller, set, makePlan)
		if _, rejected := errors.AsType[*fault.Rejection](err); rejected && !set.DryRun && fault.KindOf(err) != fault.Denied {
			// The plan may show what the same request has changed since it was looked for: on
			// another node, or while this one was queued.
			if earlier, found, unknown := s.Recall(ctx, caller, set); found || unknown != nil {
				return earlier, unknown
			}
		}
		if !isOutdated(err) {
			return outcome, err
		}
		if try == planTries {
			return SetOutcome{}, fault.NotWritten(config.ErrPlanOutdated)
		}
	}
}

func (s *Store) tryPlan(ctx context.Context, caller auth.Caller, set config.ChangeSet, makePlan planner) (SetOutcome, error) {
	g, caller, err := s.readyToWrite(caller)
	if err != nil {
		return SetOutcome{}, err
	}
	view, err := g.viewFor(ctx, &set)
	if err != nil {
		return SetOutcome{}, err
	}
	var p plan
	if caller, err = g.present(caller); err == nil { // the wait may have been long
		p, err = makePlan(ctx, newReader(g, view, caller), caller.Scope(auth.Write))
	}
	switch {
	case errors.Is(err, fault.ErrPositionNotReached):
		return SetOutcome{}, err
	case err != nil:
		return SetOutcome{}, fault.BeforeWrite(err)
	case len(p.failures) > 0:
		return SetOutcome{}, &fault.Rejection{Failures: p.failures, Position: p.at.Position()}
	}
	set = set.Of(p.commands...)
	set.Skipped, set.Reverts = p.skipped, p.reverts
	set.Plan = &config.Plan{Filter: p.filter, Seq: int64(p.at.Seq)}
	return s.applyTo(ctx, g, caller, set) // another history is not what was planned for
}

// isOutdated reports whether a set was refused because of its plan. Whatever else is wrong with it
// may be so because of the changes.
func isOutdated(err error) bool {
	rejection, is := errors.AsType[*fault.Rejection](err)
	return is && slices.ContainsFunc(rejection.Failures, func(f fault.Failure) bool { return errors.Is(f.Err, config.ErrPlanOutdated) })
}
