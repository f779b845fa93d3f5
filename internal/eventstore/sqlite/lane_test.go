package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/lane"
)

// TestReadsForUsersDelayNobody fills the lane of users. What keeps a node going does not notice.
func TestReadsForUsersDelayNobody(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{Users: lane.Options{Running: 2, Patience: time.Millisecond}})
	for range 2 {
		if err := s.lane.Enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	branch := mustAppend(t, s, eventstore.Head{}, 3)
	for what, read := range map[string]func() error{
		"ReadBranch": func() error {
			_, err := s.ReadBranch(t.Context(), branch, 0, eventstore.Limit{})
			return err
		},
		"ReadConfig": func() error {
			_, err := s.ReadConfig(t.Context(), branch, "a", 0, eventstore.Limit{})
			return err
		},
		"ReadConfigBack": func() error {
			_, err := s.ReadConfigBack(t.Context(), branch, "a", 9, eventstore.Limit{})
			return err
		},
		"ReadInstant": func() error {
			_, err := s.ReadInstant(t.Context(), branch, time.Now())
			return err
		},
		"ReadAsOf": func() error {
			_, err := s.ReadAsOf(t.Context(), branch, eventstore.AsOf{At: 1, Names: []string{"a"}}, eventstore.Limit{})
			return err
		},
	} {
		if err := read(); !errors.Is(err, eventstore.ErrBusy) {
			t.Errorf("%s: got %v, want %v", what, err, eventstore.ErrBusy)
		}
	}
	if head, err := s.Head(t.Context()); err != nil || !head.Same(branch) {
		t.Errorf("Head: got %v, %v", head, err)
	}
	if records, err := s.Read(t.Context(), 0, eventstore.Limit{}); err != nil || len(records) != 3 {
		t.Errorf("Read: got %d records, %v", len(records), err)
	}
	if _, err := s.ReadReceipts(t.Context(), []eventstore.Key{{Text: "k"}}); err != nil {
		t.Errorf("ReadReceipts: %v", err)
	}
	mustAppend(t, s, branch, 1)
	s.lane.Leave()
	if _, err := s.ReadBranch(t.Context(), branch, 0, eventstore.Limit{}); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// mustAppend appends n records and returns the head that they lead to.
func mustAppend(t *testing.T, s *Store, after eventstore.Head, n int) eventstore.Head {
	t.Helper()
	records := make([]eventstore.Record, n)
	for i := range records {
		records[i] = eventstore.Record{
			Name: fmt.Sprint("n", int(after.Seq)+i), Version: 1, Type: "ConfigValueSet", SchemaVersion: 1,
			Data: `{"value":"v","old_value":null}`, RecordedAt: after.RecordedAt.Add(time.Duration(i+1) * time.Microsecond),
		}
	}
	var chain eventstore.Chain
	head := chain.Seal(after, eventstore.AppendID{1}, records)
	if err := s.Append(t.Context(), after, records); err != nil {
		t.Fatal(err)
	}
	return head
}
