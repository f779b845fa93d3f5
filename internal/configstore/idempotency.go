package configstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// findReceipts looks up the keys of requests, all at once.
func (w *writer) findReceipts(requests []*request) (receipts, error) {
	var keys []eventstore.Key
	found := make(receipts)
	for _, r := range requests {
		if _, twice := found[r.key]; r.hasKey() && !twice {
			found[r.key] = eventstore.Receipt{}
			keys = append(keys, r.key)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	ctx, cancel := w.bounded()
	defer cancel()
	read, err := w.events.ReadReceipts(ctx, keys)
	if err != nil {
		return nil, &UnavailableError{Cause: err}
	}
	clear(found)
	for _, receipt := range read {
		found[receipt.Key] = receipt
	}
	return found, nil
}

// recall returns the outcome that a receipt is of, as it was. What it is of is applied here: the writer has seen to it.
func (b *branch) recall(ctx context.Context, cmd config.Command, receipt *eventstore.Receipt) (Outcome, error) {
	outcome, err := b.recallFrom(ctx, b.view(), cmd.Target(), receipt)
	if err != nil {
		return Outcome{}, &UnavailableError{OutcomeUnknown: true, Cause: fmt.Errorf("recalling the outcome at position %d: %w", receipt.First, err)}
	}
	return outcome, nil
}

func (b *branch) recallFrom(ctx context.Context, view *projection.View, name config.Name, receipt *eventstore.Receipt) (Outcome, error) {
	revision, err := b.revisionAt(ctx, receipt.First)
	if err != nil {
		return Outcome{}, err
	}
	outcome := Outcome{Changed: receipt.EventCount > 0, Position: revision.Position()}
	if !outcome.Changed {
		then := &Snapshot{branch: b, view: view, at: revision.Head()}
		outcome.Config, err = then.Config(ctx, name)
	} else if present := view.Get(name); present != nil && revision.Name == name {
		outcome.Config = present.AsOf(revision)
	}
	if err == nil && outcome.Config == nil {
		err = projection.ErrDiverged // the receipt is of another history
	}
	return outcome, err
}

// pruneStep is how many receipts are removed at once. It bounds how long appends wait for it where they have to.
const pruneStep = 500

// pruneReceipts removes receipts that are older than they have to be, once in every interval, until ctx ends. Each node does it:
// what one has removed the others do not find.
func (s *Store) pruneReceipts(ctx context.Context) {
	for {
		pause := s.opts.PruneInterval
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return
		}
		if err := s.pruneOnce(ctx); err != nil && ctx.Err() == nil {
			s.opts.Log.Warn("old idempotency keys were not removed; trying again later", "error", err)
		}
	}
}

func (s *Store) pruneOnce(ctx context.Context) error {
	// A clock that is ahead must not take receipts away too early.
	ahead := max(s.clock.serverOffset(), s.clock.jump(), 0)
	before := s.opts.Now().Add(-s.opts.KeyRetention - ahead)
	for {
		n, err := s.events.PruneReceipts(ctx, before, pruneStep)
		if err != nil || n < pruneStep {
			return err
		}
	}
}
