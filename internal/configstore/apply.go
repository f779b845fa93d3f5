package configstore

import (
	"context"
	"errors"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
	"configapi/internal/writer"
)

// SetOutcome is what a change set came to.
type SetOutcome struct {
	// Revisions are the changes, in the order of the set. After a dry run they are what the changes
	// would be: Seq, Hash and ChangeSet are those of Position, At is the time of the decision.
	Revisions []*eventstore.Revision
	// Unchanged are the names that were as asked for already, in the order of the set, and then
	// those that it skips.
	Unchanged []config.Name
	// Position is that of the outcome: of the last revision, or the one that the set was decided
	// at when nothing was written.
	Position eventstore.Position
	// DryRun reports whether nothing was written because the caller asked for a dry run.
	DryRun bool
}

// Apply carries out a change set: all of its changes, or none. It returns when the outcome is on
// disk and can be read. A set with an idempotency key is carried out once for each caller: the same
// set gets the whole first outcome again for at least [writer.KeyRetention].
//
// A set with a change that the caller may not make is rejected before anything of the state is
// looked at: with a [*fault.ForbiddenError] for each such change, and no other failure. Every
// change needs WRITE. Those that read to answer need READ, too: a restore of the last value, and a
// set with OnlyIfChanged. Of a config that the caller may not read, outcome and failures show what
// its own change made, and that there is a conflict, but no value, version or revision of others.
//
// A dry run does the same on the newest view, up to the append: it writes nothing, and neither
// looks for a receipt nor leaves one.
//
// A rejection is not older than what any node had acknowledged when Apply was called. That of a dry
// run is of the newest view.
//
// The errors: a [*fault.Rejection] with all failures, a [*fault.UnavailableError], which says
// whether something may have been written, or [fault.ErrPositionNotReached] when this node did not
// come to AsSeenAt in time, and nothing was written. The end of ctx ends the waiting, not the
// write.
func (s *Store) Apply(ctx context.Context, caller auth.Caller, set config.ChangeSet) (SetOutcome, error) {
	ctx, cancel := s.withWriteTimeout(ctx)
	defer cancel()
	g, caller, err := s.readyToWrite(caller)
	if err != nil {
		return SetOutcome{}, err
	}
	return s.applyTo(ctx, g, caller, set)
}

// applyTo carries out a change set on the history of a generation: when that was replaced, the set
// is refused.
func (s *Store) applyTo(ctx context.Context, g *generation, caller auth.Caller, set config.ChangeSet) (SetOutcome, error) {
	written, err := s.writeTo(ctx, g, caller, set)
	switch {
	case err != nil:
		return SetOutcome{}, err
	case written.receipt != nil:
		return written.recallSet(ctx, &set)
	}
	written.cut()
	return SetOutcome{Revisions: written.Revisions, Unchanged: written.Unchanged, Position: written.Position, DryRun: set.DryRun}, nil
}

// Recall returns the outcome of an earlier set with the same idempotency key. found is false when
// there is none, when the caller may read nothing of it today, or when the set has no key. What the
// caller may not read is left out. The set need not have its changes when it has Asked. The errors
// are those of [Store.Apply].
func (s *Store) Recall(ctx context.Context, caller auth.Caller, set config.ChangeSet) (outcome SetOutcome, found bool, err error) {
	ctx, cancel := s.withWriteTimeout(ctx)
	defer cancel()
	g, caller, err := s.readyToWrite(caller)
	if err != nil {
		return SetOutcome{}, false, err
	}
	receipt, grants, err := g.writer.Recall(ctx, caller, set)
	if err != nil || receipt == nil {
		return SetOutcome{}, false, err
	}
	recalled := written{Outcome: writer.Outcome{Grants: grants}, generation: g, receipt: receipt}
	outcome, err = recalled.recallSet(ctx, &set)
	if err != nil {
		return SetOutcome{}, false, err
	}
	hidden := receipt.EventCount+len(receipt.Unchanged) > 0 && len(outcome.Revisions)+len(outcome.Unchanged) == 0
	return outcome, !hidden, nil
}

// written is the outcome of a set, or the receipt of an earlier request that has the outcome.
type written struct {
	writer.Outcome
	receipt    *eventstore.Receipt
	generation *generation // that has applied it
}

// seenNowhere is the failure of a set whose AsSeenAt is not in the history.
var seenNowhere = fault.Failure{Change: -1, Field: "asSeenAt", Err: fault.ErrPositionUnknown}

// writeTo carries out a change set on the history of a generation, or decides it and no more.
func (s *Store) writeTo(ctx context.Context, g *generation, caller auth.Caller, set config.ChangeSet) (written, error) {
	failures := writer.Check(&set)
	if seen := set.AsSeenAt; seen != nil && seen.Seq < 0 { // no position of any history
		failures, set.AsSeenAt = append(failures, seenNowhere), nil
	}
	if err := g.authorise(caller, &set, failures); err != nil {
		return written{}, err
	}
	seenAt, err := g.seenAt(ctx, &set)
	switch {
	case errors.Is(err, fault.ErrPositionUnknown):
		failures, set.AsSeenAt = append(failures, seenNowhere), nil
	case err != nil:
		return written{}, err
	}
	if set.DryRun || len(failures) > 0 {
		outcome, err := g.decide(ctx, caller, set, seenAt, failures)
		return written{Outcome: outcome, generation: g}, err
	}
	if err := s.checkClock(ctx); err != nil {
		return written{}, err
	}
	outcome, receipt, err := g.writer.Do(ctx, caller, set, seenAt)
	return written{outcome, receipt, g}, err
}

// seenAt returns the seq at the end of the change set to which set.AsSeenAt belongs, and waits for
// it if necessary.
func (g *generation) seenAt(ctx context.Context, set *config.ChangeSet) (eventstore.Seq, error) {
	if set.AsSeenAt == nil {
		return 0, nil
	}
	at := eventstore.Position{Seq: eventstore.Seq(set.AsSeenAt.Seq), Prefix: set.AsSeenAt.Hash}
	view, err := g.await(ctx, g.view(), at.Seq, 0)
	var end eventstore.Head
	if err == nil {
		end, err = g.endOf(ctx, view, at)
	}
	if err != nil && !errors.Is(err, fault.ErrPositionUnknown) && !errors.Is(err, fault.ErrPositionNotReached) {
		err = fault.NotWritten(err)
	}
	return end.Seq, err
}

// decide decides a set that is a dry run, or that is refused for failures of its own. It changes
// nothing.
func (g *generation) decide(ctx context.Context, caller auth.Caller, set config.ChangeSet, seenAt eventstore.Seq, failures []fault.Failure) (writer.Outcome, error) {
	view, err := g.viewFor(ctx, &set)
	if err != nil {
		return writer.Outcome{}, err
	}
	last, err := g.lastValues(ctx, view, &set)
	if err != nil {
		return writer.Outcome{}, fault.NotWritten(err)
	}
	return g.writer.DryRun(view, caller, set, seenAt, last, failures)
}

// viewFor returns the view on which a set is decided before it comes to the writer, if at all. For
// a dry run that is the newest one of this node. Any other set may be refused on it, and refusals
// are linearizable, like those of the writer: the view includes everything that was in the history
// when viewFor was called. Then the error is a [*fault.UnavailableError]: nothing was written.
func (g *generation) viewFor(ctx context.Context, set *config.ChangeSet) (*projection.View, error) {
	if set.DryRun {
		return g.view(), nil
	}
	view, err := g.linearizableUntil(ctx, ctx)
	if err != nil {
		return nil, fault.NotWritten(err)
	}
	return view, nil
}

// lastValues reads the last values of deleted configs that a set restores, among the reads of
// users. It reads no more of them than a set may have bytes.
func (g *generation) lastValues(ctx context.Context, view *projection.View, set *config.ChangeSet) (writer.LastValues, error) {
	deleted := writer.ToRestore(view, set)
	values := make(writer.LastValues, len(deleted))
	for bytes := 0; len(deleted) > 0 && bytes <= config.MaxChangeSetBytes; {
		asked := make([]eventstore.VersionOf, min(len(deleted), eventstore.MaxAsOfNames))
		for i := range asked {
			asked[i] = eventstore.VersionOf{Name: deleted[i].Name.String(), Version: int(deleted[i].Version) - 1, Next: deleted[i].Seq}
		}
		records, err := g.ReadVersions(ctx, g.view().Head(), asked, eventstore.Limit{})
		if err != nil {
			return nil, err
		}
		for i := range records {
			last, err := writer.LastValueOf(&records[i])
			if err != nil {
				return nil, err
			}
			if records[i].Name != asked[i].Name {
				return nil, g.readFailed(projection.ErrDiverged)
			}
			values[deleted[i].Position()] = last
			bytes += len(last.String())
		}
		if len(records) == 0 {
			return nil, g.readFailed(projection.ErrDiverged)
		}
		deleted = deleted[len(records):]
	}
	return values, nil
}

// recallSet returns the outcome that a receipt stands for, as it was. The writer has made sure that
// it is applied here.
func (w written) recallSet(ctx context.Context, set *config.ChangeSet) (SetOutcome, error) {
	outcome, err := w.generation.recallSet(ctx, w.receipt)
	if err != nil {
		return SetOutcome{}, recallFailed(w.receipt, err)
	}
	if err := w.cutRecalled(set, &outcome); err != nil {
		return SetOutcome{}, err
	}
	return outcome, nil
}

func (g *generation) recallSet(ctx context.Context, receipt *eventstore.Receipt) (outcome SetOutcome, err error) {
	for _, text := range receipt.Unchanged {
		name, err := config.ParseName(text)
		if err != nil {
			return SetOutcome{}, err
		}
		outcome.Unchanged = append(outcome.Unchanged, name)
	}
	if receipt.EventCount == 0 {
		if receipt.First > 0 {
			revision, err := g.revisionAt(ctx, receipt.First)
			if err != nil {
				return SetOutcome{}, err
			}
			outcome.Position = revision.Position()
		}
		return outcome, nil
	}
	if outcome.Revisions, err = g.revisionsFrom(ctx, receipt.First, receipt.EventCount); err != nil {
		return SetOutcome{}, err
	}
	last := outcome.Revisions[len(outcome.Revisions)-1]
	if !last.EndsChangeSet() {
		return SetOutcome{}, g.readFailed(projection.ErrDiverged) // the receipt is of another history
	}
	outcome.Position = last.Position()
	return outcome, nil
}

// revisionsFrom returns n revisions from a seq on. They must be applied.
func (g *generation) revisionsFrom(ctx context.Context, first eventstore.Seq, n int) ([]*eventstore.Revision, error) {
	var records []eventstore.Record
	for len(records) < n {
		next := first + eventstore.Seq(len(records))
		read, err := g.events.ReadHistory(ctx, g.view().Head(), next-1, eventstore.Limit{Records: n - len(records)})
		switch {
		case err != nil:
			return nil, g.readFailed(err)
		case len(read) == 0:
			return nil, g.readFailed(projection.ErrDiverged)
		}
		records = append(records, read...)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		return nil, err
	}
	return g.complete(ctx, eventstore.OldValuePage{Revisions: revisions, Least: len(revisions)})
}
