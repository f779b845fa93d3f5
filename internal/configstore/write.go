package configstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// Outcome is what a single change came to.
type Outcome struct {
	// Config is the config as this very change left it. When there was nothing to change, it is the
	// config as it was found. It is nil when the caller may not read the config.
	Config *projection.Config
	// Own is the change, without the value before it, when the caller may not read the config. nil:
	// it may.
	Own *eventstore.Revision
	// Changed is false when there was nothing to change.
	Changed bool
	// Position is that of the outcome: any read or stream from here on includes it.
	Position eventstore.Position
}

var errNotSingle = errors.New("configstore: Do takes a set of one change that is no dry run")

// Do is [Store.Apply] for a set of one valid change that is no dry run. Its outcome has the config,
// and its errors have no [*fault.Rejection] around them: a [*fault.Refusal],
// [*fault.ForbiddenError], [fault.ErrIdempotencyMismatch], [fault.ErrPositionUnknown],
// [fault.ErrPositionNotReached], or a [*fault.UnavailableError].
func (s *Store) Do(ctx context.Context, caller auth.Caller, set config.ChangeSet) (Outcome, error) {
	if len(set.Changes) != 1 || set.Changes[0].Command == nil || set.DryRun {
		return Outcome{}, errNotSingle
	}
	if set.AsSeenAt != nil || set.IdempotencyKey.String() != "" {
		var cancel context.CancelFunc
		ctx, cancel = s.withWriteTimeout(ctx)
		defer cancel()
	} // else the caller waits for the writer alone, whose timer costs less
	g, caller, err := s.readyToWrite(caller)
	if err != nil {
		return Outcome{}, err
	}
	written, err := s.writeTo(ctx, g, caller, set)
	switch {
	case err != nil:
		return Outcome{}, onlyReason(err)
	case written.receipt != nil:
		return written.recall(ctx, set.Changes[0].Command.Target())
	}
	outcome := Outcome{Config: written.Config, Changed: len(written.Revisions) > 0, Position: written.Position}
	if !written.mayRead(set.Changes[0].Command.Target()) {
		outcome.hide(written.Revisions[0])
	}
	return outcome, nil
}

// hide removes from an outcome what a caller must not see that may not read the config.
func (o *Outcome) hide(own *eventstore.Revision) {
	o.Config, o.Own = nil, withoutOldValue(own)
}

// withWriteTimeout returns a context that ends after WriteTimeout at the latest. A context that
// ends sooner is returned as it is: another one below it would take a twentieth of a write by
// GraphQL. See BenchmarkSet of package graph.
func (s *Store) withWriteTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) <= s.opts.WriteTimeout {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, s.opts.WriteTimeout)
}

// onlyReason returns why a set of one change was rejected, and any other error as it is. What is
// wrong with the config comes before a key that was used for another request, but for a config that
// is not deleted.
func onlyReason(err error) error {
	rejection, is := errors.AsType[*fault.Rejection](err)
	if !is {
		return err
	}
	first, last := rejection.Failures[0].Err, rejection.Failures[len(rejection.Failures)-1].Err
	if fault.KindOf(first) == fault.NotDeleted {
		return last
	}
	return first
}

// recall returns the outcome that the receipt of a set of one stands for, as it was. The writer has
// made sure that it is applied here.
func (w written) recall(ctx context.Context, name config.Name) (Outcome, error) {
	revision, err := w.generation.revisionAt(ctx, w.receipt.First)
	var outcome Outcome
	if err == nil {
		outcome, err = w.generation.recallFrom(ctx, w.generation.view(), name, w.receipt, revision)
	}
	switch {
	case err != nil:
		return Outcome{}, recallFailed(w.receipt, err)
	case w.mayRead(name):
		return outcome, nil
	case !outcome.Changed:
		return Outcome{}, &fault.ForbiddenError{Action: auth.Read, On: name.String()}
	}
	outcome.hide(revision)
	return outcome, nil
}

func recallFailed(receipt *eventstore.Receipt, err error) error {
	return fault.OutcomeUnknown(fmt.Errorf("recalling the outcome at position %d: %w", receipt.First, err))
}

// recallFrom returns the outcome of a receipt. The revision is the first one of the outcome, or the
// one at which there was nothing to change.
func (g *generation) recallFrom(ctx context.Context, view *projection.View, name config.Name, receipt *eventstore.Receipt, revision *eventstore.Revision) (outcome Outcome, err error) {
	outcome = Outcome{Changed: receipt.EventCount > 0, Position: revision.Position()}
	if !outcome.Changed {
		then := &Snapshot{generation: g, view: view, scope: everything, at: revision.Head()}
		outcome.Config, err = then.Config(ctx, name)
	} else if present := view.Get(name); present != nil && revision.Name == name {
		outcome.Config = present.AsOf(revision)
	}
	if err == nil && outcome.Config == nil {
		err = projection.ErrDiverged // the receipt is of another history
	}
	return outcome, err
}
