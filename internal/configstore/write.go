package configstore

import (
	"context"
	"fmt"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
	"configapi/internal/writer"
)

// Outcome is what a command came to.
type Outcome = writer.Outcome

// Do carries out one command, and returns when its outcome is on disk and can be read. A command
// with an idempotency key is carried out once for each caller: the same command gets the first
// outcome again for at least [writer.KeyRetention].
//
// The errors: a [*fault.Refusal], [fault.ErrIdempotencyMismatch], or a [*fault.UnavailableError],
// which says whether something may have been written. The end of ctx ends the waiting, not the
// write.
func (s *Store) Do(ctx context.Context, caller auth.Caller, cmd config.Command) (Outcome, error) {
	g, err := s.ready()
	if err != nil {
		return Outcome{}, fault.NotWritten(err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.WriteTimeout)
	defer cancel()
	if err := s.checkClock(ctx); err != nil {
		return Outcome{}, err
	}
	outcome, receipt, err := g.writer.Do(ctx, caller, cmd)
	if receipt != nil {
		return g.recall(ctx, cmd, receipt)
	}
	return outcome, err
}

// recall returns the outcome that a receipt stands for, as it was. The writer has made sure that it
// is applied here.
func (g *generation) recall(ctx context.Context, cmd config.Command, receipt *eventstore.Receipt) (Outcome, error) {
	outcome, err := g.recallFrom(ctx, g.view(), cmd.Target(), receipt)
	if err != nil {
		return Outcome{}, fault.OutcomeUnknown(fmt.Errorf("recalling the outcome at position %d: %w", receipt.First, err))
	}
	return outcome, nil
}

func (g *generation) recallFrom(ctx context.Context, view *projection.View, name config.Name, receipt *eventstore.Receipt) (Outcome, error) {
	revision, err := g.revisionAt(ctx, receipt.First)
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Changed: receipt.EventCount > 0, Position: revision.Position()}
	if !outcome.Changed {
		then := &Snapshot{generation: g, view: view, at: revision.Head()}
		outcome.Config, err = then.Config(ctx, name)
	} else if present := view.Get(name); present != nil && revision.Name == name {
		outcome.Config = present.AsOf(revision)
	}
	if err == nil && outcome.Config == nil {
		err = projection.ErrDiverged // the receipt is of another history
	}
	return outcome, err
}
