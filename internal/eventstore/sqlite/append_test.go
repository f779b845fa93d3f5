package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

func TestFullDatabaseIsNotWritten(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	head := write(t, s, "a")
	limitPages(t, s)
	head = mustRunFull(t, s, head, "inserting events")
	write(t, s, "a") // the page limit was one of the connection, which is closed
	if got, err := s.Read(t.Context(), head.Seq, eventstore.Limit{Records: 10}); err != nil || len(got) != 1 {
		t.Errorf("got %d records, %v, want 1", len(got), err)
	}
}

// limitPages keeps the database from growing.
func limitPages(t *testing.T, s *Store) {
	t.Helper()
	if err := s.writer.tx.conn.execute("PRAGMA max_page_count = 1"); err != nil {
		t.Fatal(err)
	}
}

// mustRunFull appends until the disk is full, and requires that this happens while the store does
// what doing names. The failed append must not be written. It returns the head before that append.
func mustRunFull(t *testing.T, s *Store, head eventstore.Head, doing string) eventstore.Head {
	t.Helper()
	for i := range 10_000 {
		records, _ := eventstoretest.Next(head, "a", "b")
		records[0].Data = strings.Repeat("d", 1000*(i%20))
		var chain eventstore.Chain
		after := chain.Seal(head, eventstore.AppendID{1}, records)
		err := s.Append(t.Context(), head, records)
		if err == nil {
			head = after
			continue
		}
		want := doing + ": database or disk is full"
		if !errors.Is(err, eventstore.ErrNotWritten) || !strings.Contains(err.Error(), want) {
			t.Fatalf("got error %v, want %q, with %q", err, eventstore.ErrNotWritten, want)
		}
		mustBeAt(t, s, head)
		return head
	}
	t.Fatal("there is always space left")
	return head
}

// mustBeAt verifies the history, and requires that it ends at a head.
func mustBeAt(t *testing.T, s *Store, want eventstore.Head) {
	t.Helper()
	if _, err := eventstoretest.Verify(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Head(t.Context()); err != nil || got != want {
		t.Fatalf("Head: got %v, %v, want %v", got, err, want)
	}
}

func TestAppendWhileAnotherWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{busyTimeout: 20 * time.Millisecond})
	patient := mustOpen(t, path, Options{busyTimeout: time.Hour})
	other := mustOpen(t, path, Options{}).writer.tx
	head := write(t, s, "a")
	records, _ := eventstoretest.Next(head, "b")
	if err := other.conn.run(other.begin, nil); err != nil {
		t.Fatal(err)
	}

	if err := s.Append(t.Context(), head, records); !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("after the busy timeout: got error %v, want %q", err, eventstore.ErrNotWritten)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := patient.Append(ctx, head, records)
	if !errors.Is(err, eventstore.ErrNotWritten) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when the context ends: got error %v, want %q and %q", err, eventstore.ErrNotWritten, context.DeadlineExceeded)
	}
	mustBeAt(t, s, head) // reading does not wait

	if err := other.conn.run(other.rollback, nil); err != nil {
		t.Fatal(err)
	}
	if err := patient.Append(t.Context(), head, records); err != nil {
		t.Fatal(err)
	}
	write(t, s, "c")
}

func TestAppendWaitsForItsTurnNoLongerThanItsContext(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	records, _ := eventstoretest.Next(eventstore.Head{}, "a")
	token := <-s.writer.turn
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.Append(ctx, eventstore.Head{}, records)
	if !errors.Is(err, eventstore.ErrNotWritten) || !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %q and %q", err, eventstore.ErrNotWritten, context.Canceled)
	}
	s.writer.turn <- token
	write(t, s, "a")
}

func TestAppendToAStoreThatIsClosed(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	records, _ := eventstoretest.Next(eventstore.Head{}, "a")
	if err := s.Append(t.Context(), eventstore.Head{}, records); !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("got error %v, want %q", err, eventstore.ErrNotWritten)
	}
}

func TestErrorOfCommitLeavesTheOutcomeOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	tx := mustOpen(t, path, Options{}).writer.tx
	err := tx.conn.run(tx.commit, nil) // no transaction is open, so COMMIT fails
	if err = commitError(err); err == nil || errors.Is(err, eventstore.ErrNotWritten) || errors.Is(err, eventstore.ErrHeadMoved) {
		t.Errorf("got error %v, want one that promises nothing", err)
	}
}

func TestReadNamesARecordThatIsMalformed(t *testing.T) {
	for _, change := range []string{"hash = zeroblob(40)", "append_id = zeroblob(40)", "salt_who = zeroblob(40)", "salt_what = zeroblob(40)",
		"what = zeroblob(40)", "reverts = '007-9f3a21c0'"} {
		path := filepath.Join(t.TempDir(), "history.db")
		s := mustOpen(t, path, Options{})
		write(t, s, "a", "b", "c")
		execute(t, path, fmt.Sprintf("UPDATE events SET %s WHERE position = 2", change))
		var broken *eventstore.ChainError
		if _, err := s.Read(t.Context(), 0, eventstore.Limit{Records: 10}); !errors.As(err, &broken) || broken.Seq != 2 {
			t.Errorf("%s: got error %v, want a break at seq 2", change, err)
		}
	}
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{})
	write(t, s, "a")
	execute(t, path, "UPDATE history_head SET hash = x'00'")
	if head, err := s.Head(t.Context()); err == nil {
		t.Errorf("Head with a short hash: got %v, want an error", head)
	}
}

// TestAppendRefusesAVersionThatIsNotNext: with another one a version could not be found, or only
// one of two.
func TestAppendRefusesAVersionThatIsNotNext(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "history.db"), Options{})
	var head eventstore.Head
	add := func(versions map[string][]int) error {
		var names []string
		var all []int
		for _, name := range slices.Sorted(maps.Keys(versions)) {
			names = append(names, slices.Repeat([]string{name}, len(versions[name]))...)
			all = append(all, versions[name]...)
		}
		records, _ := eventstoretest.Next(head, names...)
		for i := range records {
			records[i].Name, records[i].Version = names[i], all[i]
		}
		after := new(eventstore.Chain).Seal(head, eventstore.AppendID{byte(head.Seq)}, records)
		err := s.Append(t.Context(), head, records)
		if err == nil {
			head = after
		}
		return err
	}
	if err := add(map[string][]int{"a": {1, 2}, "b": {1}}); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []map[string][]int{
		{"a": {1}}, {"a": {2}}, {"a": {4}}, {"a": {3, 3}}, {"a": {3, 5}}, {"a": {3, 2}}, {"b": {3}},
		{"new": {2}}, {"new": {0}}, {"new": {1, 1}}, {"new": {1, 3}}, {"a": {3}, "b": {2}, "new": {3}},
	} {
		if err := add(wrong); !errors.Is(err, eventstore.ErrNotNextVersion) || !errors.Is(err, eventstore.ErrNotWritten) {
			t.Errorf("%v: got %v, want %v", wrong, err, eventstore.ErrNotNextVersion)
		}
		mustBeAt(t, s, head)
	}
	if err := add(map[string][]int{"a": {3, 4}, "b": {2}, "new": {1, 2, 3}}); err != nil {
		t.Fatal(err)
	}
}
