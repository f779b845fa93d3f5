package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/postgres"
	"configapi/test/faults/checker"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// SetWriter appends change sets of several changes. It is one more writer of the history, with an
// event store of its own, because no route of the servers makes such sets. It follows the laws of
// [eventstore.Store] as the servers do.
type SetWriter struct {
	world *World
	sets  int
	names []config.Name                    // no other client writes to them
	known map[config.Name]config.Aggregate // :: name → its state
}

// setSize is the number of changes in a set.
const setSize = 5

// NewSetWriter returns a writer of change sets.
func NewSetWriter(w *World) (*SetWriter, error) {
	s := &SetWriter{world: w, known: map[config.Name]config.Aggregate{}}
	for i := range setSize {
		name, err := config.ParseName(w.Prefix + "/set/" + strconv.Itoa(i))
		if err != nil {
			return nil, err
		}
		s.names = append(s.names, name)
	}
	return s, nil
}

// Run appends change sets until ctx ends. While PostgreSQL is unreachable it retries.
func (s *SetWriter) Run(ctx context.Context) {
	for ctx.Err() == nil {
		dsn := s.world.Cluster.Database.DSN()
		store, err := postgres.Open(ctx, dsn, postgres.Options{})
		if err == nil {
			_ = s.write(ctx, store, dsn) // the recorded writes show any problem
			_ = store.Close()
		}
		cluster.Pause(ctx, 50*time.Millisecond)
	}
}

// write appends until an append fails, other than by losing the race, or until another database is
// the primary.
func (s *SetWriter) write(ctx context.Context, store *postgres.Store, dsn string) error {
	for _, name := range s.names {
		s.known[name] = config.Aggregate{Name: name} // the known state may be of appends that were lost
	}
	err := s.refresh(ctx, store)
	for err == nil && ctx.Err() == nil && s.world.Cluster.Database.DSN() == dsn {
		switch err = s.append(ctx, store); {
		case errors.Is(err, eventstore.ErrHeadMoved):
			cluster.Pause(ctx, 5*time.Millisecond)
			err = nil
		case err == nil:
			cluster.Pause(ctx, 20*time.Millisecond)
			err = s.refresh(ctx, store)
		}
	}
	return err
}

func (s *SetWriter) append(ctx context.Context, store *postgres.Store) error {
	head, err := store.Head(ctx)
	if err != nil {
		return err
	}
	records, writes, err := s.seal(head)
	if err != nil {
		return err
	}
	call := s.world.Record.Now()
	err = store.Append(context.WithoutCancel(ctx), head, records)
	for _, w := range writes {
		w.Call, w.Return = call, s.world.Record.Now()
		w.Outcome, w.Status = appended(err), fmt.Sprint(err)
	}
	s.world.Record.Write(writes...)
	return err
}

func appended(err error) record.Outcome {
	switch {
	case err == nil:
		return record.Done
	case errors.Is(err, eventstore.ErrHeadMoved), errors.Is(err, eventstore.ErrNotWritten):
		return record.NotWritten
	}
	return record.Unknown
}

// refresh reads the state of its configs.
func (s *SetWriter) refresh(ctx context.Context, store *postgres.Store) error {
	for _, name := range s.names {
		for {
			records, err := store.ReadConfig(ctx, eventstore.Head{}, name.String(), int(s.known[name].Version), eventstore.Limit{Records: 1000})
			if err != nil {
				return err
			}
			if len(records) == 0 {
				break
			}
			revisions, err := eventstore.DecodeAll(records)
			if err != nil {
				return err
			}
			for _, r := range revisions {
				if s.known[name], err = s.known[name].Apply(r.Event); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// seal returns the records of the next set, and its writes as they are to be recorded.
func (s *SetWriter) seal(head eventstore.Head) ([]eventstore.Record, []*record.Write, error) {
	s.sets++
	set := s.world.Prefix + ".set." + strconv.Itoa(s.sets)
	at := time.Now().UTC().Truncate(time.Microsecond)
	var records []eventstore.Record
	var writes []*record.Write
	for i, name := range s.names {
		if earliest := head.RecordedAt.Add(time.Duration(i+1) * time.Microsecond); at.Before(earliest) {
			at = earliest
		}
		id := set + "." + strconv.Itoa(i)
		value, err := config.ParseValue(id+checker.Separator, config.DefaultMaxValueBytes)
		if err != nil {
			return nil, nil, err
		}
		event, _, err := s.known[name].Decide(config.Set{Name: name, Value: value}, at)
		if err != nil {
			return nil, nil, err
		}
		at = at.Add(time.Microsecond)
		stored := config.Encode(event)
		records = append(records, eventstore.Record{
			Name: name.String(), Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion,
			Data: stored.Data, Reason: &id, RecordedAt: event.At, ChangeSet: head.Seq + setSize,
		})
		writes = append(writes, &record.Write{
			ID: id, Set: set, Where: record.Where{Node: record.Nowhere, Incarnation: record.Unsure}, Client: record.Nowhere, Tries: 1,
			Name: name.String(), Value: history.Digest(value.String()), Version: int(event.Version),
		})
	}
	var id eventstore.AppendID
	if _, err := rand.Read(id[:]); err != nil {
		return nil, nil, err
	}
	var chain eventstore.Chain
	chain.Seal(head, id, records)
	for i, r := range records {
		position := eventstore.HeadOf(&r).Position()
		var err error
		if writes[i].Position, err = record.ParsePosition(position.String()); err != nil {
			return nil, nil, err
		}
	}
	return records, writes, nil
}
