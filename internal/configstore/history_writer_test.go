package configstore_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// historyWriter writes long histories into an event store. Events are a millisecond apart.
type historyWriter struct {
	testing.TB
	events  eventstore.Store
	configs []config.Aggregate
	chain   eventstore.Chain
	head    eventstore.Head // of what is appended
	at      time.Time
	batch   []eventstore.Record
}

// newHistoryWriter returns a writer of so many configs.
func newHistoryWriter(t testing.TB, events eventstore.Store, names int) *historyWriter {
	w := &historyWriter{TB: t, events: events, configs: make([]config.Aggregate, names), at: configstoretest.Epoch}
	for i := range w.configs {
		w.configs[i].Name = configstoretest.Name(t, longName(i))
	}
	return w
}

// longName returns the name of a config of a historyWriter.
func longName(i int) string { return fmt.Sprintf("team-%d/service-%05d/timeout", i%100, i) }

// set sets a config.
func (w *historyWriter) set(i int, value string, actor *string) {
	c := &w.configs[i]
	w.at = w.at.Add(time.Millisecond)
	event, _, err := c.Decide(config.Set{Name: c.Name, Value: configstoretest.Value(w, value)}, w.at)
	if err != nil {
		w.Fatal(err)
	}
	if *c, err = c.Apply(event); err != nil {
		w.Fatal(err)
	}
	stored := config.Encode(event)
	w.batch = append(w.batch, eventstore.Record{
		Name: c.Name.String(), Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion,
		Data: stored.Data, RecordedAt: w.at, Actor: actor,
	})
	if len(w.batch) == 1000 {
		w.flush()
	}
}

// flush appends what is not appended yet.
func (w *historyWriter) flush() {
	if len(w.batch) == 0 {
		return
	}
	var id eventstore.AppendID
	binary.BigEndian.PutUint64(id[:], uint64(w.head.Seq))
	next := w.chain.Seal(w.head, id, w.batch)
	if err := w.events.Append(w.Context(), w.head, w.batch); err != nil {
		w.Fatal(err)
	}
	w.head, w.batch = next, nil
}
