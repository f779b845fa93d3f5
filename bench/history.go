package main

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// historyBatch is how many events one append writes: as many as configapi's own writer puts into one.
const historyBatch = 500

// historyStep is the time between two events.
const historyStep = time.Millisecond

// writeHistory appends the events of a long life to an empty store: every name is set once, then names at random. It
// writes what configapi itself would have written, by its own rules and its own chain, only in full batches.
func writeHistory(ctx context.Context, store eventstore.Store, o options) error {
	configs := make([]config.Aggregate, o.Names)
	for i := range configs {
		name, err := config.ParseName(string(newTemplate(longName(o.NameSize)).fill(i, 0)))
		if err != nil {
			return err
		}
		configs[i].Name = name
	}
	random := mathrand.New(mathrand.NewPCG(1, 2)) // the same history in every run
	value := newTemplate(valuePattern(o.Size))
	at := time.Now().UTC().Truncate(time.Microsecond).Add(-time.Duration(o.Events) * historyStep)

	var chain eventstore.Chain
	var head eventstore.Head
	batch := make([]eventstore.Record, 0, historyBatch)
	for i := range o.Events {
		n := i
		if i >= o.Names {
			n = random.IntN(o.Names)
		}
		at = at.Add(historyStep)
		record, err := set(&configs[n], string(value.fill(0, i)), at)
		if err != nil {
			return fmt.Errorf("making event %d: %w", i+1, err)
		}
		if batch = append(batch, record); len(batch) < historyBatch && i+1 < o.Events {
			continue
		}
		next := chain.Seal(head, appendID(), batch)
		if err := store.Append(ctx, head, batch); err != nil {
			return fmt.Errorf("after event %d: %w", head.Seq, err)
		}
		head, batch = next, make([]eventstore.Record, 0, historyBatch) // the store may keep the old one
	}
	return nil
}

// set gives a config a value and returns the record of it, without what the chain adds.
func set(c *config.Aggregate, text string, at time.Time) (eventstore.Record, error) {
	value, err := config.ParseValue(text, len(text))
	if err != nil {
		return eventstore.Record{}, err
	}
	event, _, err := c.Decide(config.Set{Name: c.Name, Value: value}, at)
	if err != nil {
		return eventstore.Record{}, err
	}
	if *c, err = c.Apply(event); err != nil {
		return eventstore.Record{}, err
	}
	stored := config.Encode(event)
	return eventstore.Record{
		Name:          c.Name.String(),
		Version:       int(event.Version),
		Type:          stored.Type,
		SchemaVersion: stored.SchemaVersion,
		Data:          stored.Data,
		RecordedAt:    at,
	}, nil
}

func appendID() (id eventstore.AppendID) {
	rand.Read(id[:]) // never fails
	return id
}
