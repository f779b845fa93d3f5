package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

func TestStoreKeepsTheLaws(t *testing.T) {
	t.Parallel()
	eventstoretest.Run(t, newHistory, rewrite)
}

func TestVerifiedHead(t *testing.T) {
	t.Parallel()
	eventstoretest.RunKeeper(t, newHistory)
}

// TestDamagedVerifiedHead has files of which nothing can be trusted.
func TestDamagedVerifiedHead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{})
	for _, text := range []string{"", "{", `{"position":7}`, `{"position":7,"hash":"ab"}`, `{"position":7,"hash":"x"}`, "\x00"} {
		if err := os.WriteFile(path+verifiedSuffix, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := s.ReadVerified(t.Context()); err != nil || got != (eventstore.Head{}) {
			t.Errorf("%q: got %v, %v, want nothing", text, got, err)
		}
	}
}

// newHistory makes a history whose file name has all characters that have a meaning in a URI.
func newHistory(t testing.TB) (open func() eventstore.Store) {
	path := filepath.Join(t.TempDir(), "a %41?b#c&d", "history.db")
	return func() eventstore.Store { return mustOpen(t, path, Options{PollInterval: time.Millisecond}) }
}

func mustOpen(t testing.TB, path string, opts Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func rewrite(t testing.TB, store eventstore.Store, head eventstore.Head, records []eventstore.Record) {
	t.Helper()
	tx := store.(*Store).writer.tx
	execute := func(statements string) {
		if err := tx.conn.execute(statements); err != nil {
			t.Fatal(err)
		}
	}
	// The records need not be a history.
	execute("PRAGMA ignore_check_constraints = ON; BEGIN IMMEDIATE; DELETE FROM events; DELETE FROM newest")
	if err := tx.insertRecords(records); err != nil {
		t.Fatal(err)
	}
	execute(`PRAGMA ignore_check_constraints = OFF;
		UPDATE events SET previous = coalesce((SELECT max(position) FROM events e
			WHERE e.config_name = events.config_name AND e.position < events.position), 0)`)
	err := tx.conn.runOnce("UPDATE history_head SET position = ?, hash = ?, recorded_at = ?", func(a *arguments) {
		a.integer(int64(head.Seq))
		a.blob(head.Hash[:])
		a.integer(head.RecordedAt.UnixMicro())
	})
	if err != nil {
		t.Fatal(err)
	}
	execute("COMMIT")
}

func BenchmarkStore(b *testing.B) {
	eventstoretest.Bench(b, newHistory)
}
