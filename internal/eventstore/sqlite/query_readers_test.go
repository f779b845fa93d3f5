package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

// TestQueriesDelayOnlyQueries takes all turns of the query readers. Reads of users then wait, while
// the methods that a node itself needs go on.
func TestQueriesDelayOnlyQueries(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{queryReaders: 2})
	for range 2 {
		if err := s.queries.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	waiting, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	head := mustAppend(t, s, eventstore.Head{}, 3)
	for what, read := range map[string]func() error{
		"ReadHistory": func() error {
			_, err := s.ReadHistory(waiting, head, 0, eventstore.Limit{})
			return err
		},
		"ReadConfig": func() error {
			_, err := s.ReadConfig(waiting, head, "a", 0, eventstore.Limit{})
			return err
		},
		"ReadConfigBack": func() error {
			_, err := s.ReadConfigBack(waiting, head, "a", 9, eventstore.Limit{})
			return err
		},
		"ReadBack": func() error {
			_, _, err := s.ReadBack(waiting, head, eventstore.Back{Before: 4}, eventstore.Limit{})
			return err
		},
		"ReadNames": func() error {
			_, err := s.ReadNames(waiting, head, 0, 3)
			return err
		},
		"ReadHeads": func() error {
			_, err := s.ReadHeads(waiting, head, []eventstore.Seq{1})
			return err
		},
		"ReadInstant": func() error {
			_, err := s.ReadInstant(waiting, head, time.Now())
			return err
		},
		"ReadAsOf": func() error {
			_, err := s.ReadAsOf(waiting, head, eventstore.AsOf{At: 1, Names: []string{"a"}}, eventstore.Limit{})
			return err
		},
	} {
		if err := read(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, want it to wait for its turn", what, err)
		}
	}
	if got, err := s.Head(t.Context()); err != nil || !got.Same(head) {
		t.Errorf("Head: got %v, %v, want %v", got, err, head)
	}
	if records, err := s.Read(t.Context(), 0, eventstore.Limit{}); err != nil || len(records) != 3 {
		t.Errorf("Read: got %d records, %v", len(records), err)
	}
	if _, err := s.ReadReceipts(t.Context(), []eventstore.Key{{Text: "k"}}); err != nil {
		t.Errorf("ReadReceipts: %v", err)
	}
	mustAppend(t, s, head, 1)
	s.queries.Release()
	if _, err := s.ReadHistory(t.Context(), head, 0, eventstore.Limit{}); err != nil {
		t.Errorf("with a turn free again: %v", err)
	}
}

// mustAppend appends n records and returns the head that they lead to.
func mustAppend(t *testing.T, s *Store, after eventstore.Head, n int) eventstore.Head {
	t.Helper()
	records := make([]eventstore.Record, n)
	for i := range records {
		records[i] = eventstore.Record{
			Name: fmt.Sprint("n", int(after.Seq)+i), Version: 1, Type: "ConfigValueSet", SchemaVersion: 1,
			Data: `{"value":"v"}`, RecordedAt: after.RecordedAt.Add(time.Duration(i+1) * time.Microsecond),
		}
	}
	var chain eventstore.Chain
	head := chain.Seal(after, eventstore.AppendID{1}, records)
	if err := s.Append(t.Context(), after, records); err != nil {
		t.Fatal(err)
	}
	return head
}
