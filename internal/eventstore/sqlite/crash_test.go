package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

func TestKillKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.db")
	var acknowledged []string
	for range 3 {
		p := startProcess(t, "append", path)
		for enough := len(acknowledged) + 40; len(acknowledged) < enough && p.lines.Scan(); {
			acknowledged = append(acknowledged, p.lines.Text())
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for p.lines.Scan() { // until what was acknowledged before the signal
			acknowledged = append(acknowledged, p.lines.Text())
		}
		p.kill()
		// No other process has opened the file before, as with `verify` after a crash.
		mustHaveAcknowledged(t, path, Options{ReadOnly: true}, acknowledged)
		mustHaveAcknowledged(t, path, Options{Lock: true}, acknowledged)
	}
}

func mustHaveAcknowledged(t *testing.T, path string, opts Options, acknowledged []string) {
	t.Helper()
	s, err := Open(t.Context(), path, opts)
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	defer s.Close()
	all, err := eventstoretest.Verify(t.Context(), s)
	if err != nil {
		t.Fatalf("after a kill: %v", err)
	}
	for _, text := range acknowledged {
		_, text, _ = strings.Cut(text, " ")
		b, err := eventstore.ParsePosition(text)
		if err != nil {
			t.Fatal(err)
		}
		if int(b.Seq) > len(all) || positionOf(all[b.Seq-1]) != b {
			t.Fatalf("the append up to %s was acknowledged, but the history of %d records does not have it", b, len(all))
		}
	}
}

func positionOf(r eventstore.Record) eventstore.Position {
	return eventstore.NewPosition(r.Seq, r.Hash)
}

func TestOneServerForOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	p := startProcess(t, "hold the lock", path)

	_, err := Open(t.Context(), path, Options{Lock: true})
	want := fmt.Sprintf("process %d holds the lock %s.lock", p.Process.Pid, path)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), want) {
		t.Errorf("opening with the lock: got error %v, want %q, with %q", err, ErrLocked, want)
	}
	mustOpen(t, path, Options{ReadOnly: true})
	mustOpen(t, path, Options{})

	p.kill()
	s, err := Open(t.Context(), path, Options{Lock: true})
	if err != nil {
		t.Fatalf("opening with the lock of a process that was killed: %v", err)
	}
	if _, err := Open(t.Context(), path, Options{Lock: true}); !errors.Is(err, ErrLocked) {
		t.Errorf("opening with the lock twice in one process: got error %v, want %q", err, ErrLocked)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, path, Options{Lock: true})
}
