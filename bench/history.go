package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/postgres"
	"configapi/internal/eventstore/sqlite"
)

// historyBatch is the number of events per append, as in configapi's writer, unless the options
// have another one.
const historyBatch = 500

// historyStep is the time between two events.
const historyStep = time.Millisecond

// busyShare is the number of events per one of the first name, whose history is long.
const busyShare = 10

// historyFolders is the number of folders that the names of a history lie in.
const historyFolders = 100

// historyName returns the name of a config, padded to so many bytes.
func historyName(config, size int) string {
	folder, name := historyFolder(config%historyFolders)+"/", fmt.Sprintf("%s%06d", namePrefix, config)
	return folder + strings.Repeat("x", max(size-len(folder)-len(name), 0)) + name
}

// historyNames returns the names of all configs. They have the same length.
func historyNames(o options) []string {
	names := make([]string, o.Names)
	for i := range names {
		names[i] = historyName(i, o.NameSize)
	}
	return names
}

// historyFolder returns the prefix of a folder's names.
func historyFolder(folder int) string { return fmt.Sprintf("folder-%02d", folder) }

// writeHistory appends a history to an empty store: every name is set once, then names at random,
// the first one more often. The records are those that configapi would write, in full batches.
func writeHistory(ctx context.Context, store eventstore.Store, o options) error {
	configs := make([]config.Aggregate, o.Names)
	for i := range configs {
		name, err := config.ParseName(historyName(i, o.NameSize))
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
	size := cmp.Or(o.Batch, historyBatch)
	batch := make([]eventstore.Record, 0, size)
	for i := range o.Events {
		n := i
		switch {
		case i < o.Names:
		case i%busyShare == 0:
			n = 0
		default:
			n = random.IntN(o.Names)
		}
		at = at.Add(historyStep)
		record, err := set(&configs[n], string(value.fill(0, i)), at)
		if err != nil {
			return fmt.Errorf("making event %d: %w", i+1, err)
		}
		if batch = append(batch, record); len(batch) < size && i+1 < o.Events {
			continue
		}
		next := chain.Seal(head, appendID(), batch)
		if err := store.Append(ctx, head, batch); err != nil {
			return fmt.Errorf("after event %d: %w", head.Seq, err)
		}
		// the store may keep the slice
		head, batch = next, make([]eventstore.Record, 0, size)
	}
	return nil
}

// set sets a config and returns the record, without the fields of the chain.
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
	rand.Read(id[:]) // cannot fail
	return id
}

// writeHistoryTo writes a history to the store at a URL.
func writeHistoryTo(ctx context.Context, store, url string, o options) error {
	if store == storePostgres {
		to, err := postgres.Open(ctx, url, postgres.Options{})
		if err != nil {
			return err
		}
		return errors.Join(writeHistory(ctx, to, o), to.Close())
	}
	return withSQLite(ctx, sqlitePath(url), func(to *sqlite.Store) error { return writeHistory(ctx, to, o) })
}

// sqlitePath returns the path of the database file of a store.
func sqlitePath(url string) string { return strings.TrimPrefix(url, "sqlite:") }

// withSQLite opens a database file, and closes it after f.
func withSQLite(ctx context.Context, path string, f func(*sqlite.Store) error) error {
	s, err := sqlite.Open(ctx, path, sqlite.Options{Lock: true})
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}
