package sqlite

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

// TestFileThatIsRemovedOrReplaced removes the files of an open store, or replaces them. From
// then on nothing is acknowledged, and the store says why; when the files are back, it goes on.
func TestFileThatIsRemovedOrReplaced(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		do   func(t *testing.T, path string)
	}{
		{"all is removed", func(t *testing.T, path string) { shell(t, "rm", path, path+"-wal", path+"-shm") }},
		{"the file is removed", func(t *testing.T, path string) { shell(t, "rm", path) }},
		{"the file is renamed", func(t *testing.T, path string) { shell(t, "mv", path, path+".old") }},
		{"another file is moved there", func(t *testing.T, path string) { shell(t, "mv", otherDatabase(t), path) }},
		{"a copy is put in its place", func(t *testing.T, path string) { shell(t, "rm", path); shell(t, "cp", otherDatabase(t), path) }},
		{"the log is removed", func(t *testing.T, path string) { shell(t, "rm", path+"-wal") }},
		{"the log is replaced", func(t *testing.T, path string) { shell(t, "rm", path+"-wal"); shell(t, "cp", path, path+"-wal") }},
		{"the memory of the log is removed", func(t *testing.T, path string) { shell(t, "rm", path+"-shm") }},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "history.db")
			s := mustOpen(t, path, Options{Lock: true})
			head := write(t, s, "a")
			if err := s.WriteProblem(); err != nil {
				t.Errorf("before: got problem %v", err)
			}
			row.do(t, path)
			s.writer.filesChecked = time.Time{} // as if some time had passed
			records, _ := eventstoretest.Next(head, "b")
			for range 2 {
				if err := s.Append(t.Context(), head, records); !errors.Is(err, eventstore.ErrReplaced) || !errors.Is(err, eventstore.ErrNotWritten) {
					t.Errorf("Append: got error %v, want %q and %q", err, eventstore.ErrReplaced, eventstore.ErrNotWritten)
				}
			}
			if err := s.WriteProblem(); !errors.Is(err, eventstore.ErrReplaced) {
				t.Errorf("WriteProblem: got %v, want %q", err, eventstore.ErrReplaced)
			}
			if _, err := s.ProbeHead(t.Context()); !errors.Is(err, eventstore.ErrReplaced) {
				t.Errorf("Probe: got error %v, want %q", err, eventstore.ErrReplaced)
			}
			if _, err := s.Head(t.Context()); !errors.Is(err, eventstore.ErrReplaced) {
				t.Errorf("Head: got error %v, want %q", err, eventstore.ErrReplaced)
			}
			if _, err := s.Read(t.Context(), 0, eventstore.Limit{}); !errors.Is(err, eventstore.ErrReplaced) {
				t.Errorf("Read: got error %v, want %q", err, eventstore.ErrReplaced)
			}
		})
	}
}

// TestFileThatIsReplacedDuringAnAppend replaces the file between the check before the append and
// its commit.
func TestFileThatIsReplacedDuringAnAppend(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{})
	head := write(t, s, "a")
	err := s.AppendLocked(t.Context(), head.Seq, func(head eventstore.Head, _ []eventstore.Record) ([]eventstore.Record, []eventstore.Receipt, error) {
		shell(t, "mv", path, path+".old")
		records, _ := eventstoretest.Next(head, "b")
		return records, nil, nil
	})
	if !errors.Is(err, eventstore.ErrReplaced) || errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("got error %v, want %q and that the outcome is unknown", err, eventstore.ErrReplaced)
	}
	shell(t, "mv", path+".old", path)
	head, err = s.Head(t.Context())
	if err != nil || head.Seq != 2 {
		t.Errorf("after the file is back: got head %v, %v, want the second record", head, err)
	}
	write(t, s, "c")
	if err := s.WriteProblem(); err != nil {
		t.Errorf("after the file is back: got problem %v", err)
	}
}

// TestReadersDoNotOpenAnotherFile makes a read open a connection while another file is in the place
// of the store's.
func TestReadersDoNotOpenAnotherFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{})
	write(t, s, "a")
	s.nodeReaders.takeIdle().close()
	shell(t, "mv", otherDatabase(t), path)
	if head, err := s.Head(t.Context()); !errors.Is(err, eventstore.ErrReplaced) {
		t.Errorf("got head %v, %v, want error %q", head, err, eventstore.ErrReplaced)
	}
}

// TestWaitReportsAReplacedFile checks that Wait returns the error, without any append.
func TestWaitReportsAReplacedFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{PollInterval: 1})
	head := write(t, s, "a")
	shell(t, "mv", path, path+".old")
	if err := s.Wait(t.Context(), head.Seq); !errors.Is(err, eventstore.ErrReplaced) {
		t.Errorf("got error %v, want %q", err, eventstore.ErrReplaced)
	}
}

// TestStopSavesALogThatWasRemoved closes a store whose log was removed: what is in the log must get
// into the file.
func TestStopSavesALogThatWasRemoved(t *testing.T) {
	t.Parallel()
	for _, removed := range []string{"-wal", "-shm"} {
		path := filepath.Join(t.TempDir(), "history.db")
		s := mustOpen(t, path, Options{})
		head := write(t, s, "a", "b")
		shell(t, "rm", path+removed)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		mustBeAt(t, mustOpen(t, path, Options{}), head)
	}
}

// TestStopLeavesOtherFilesAlone closes a store whose files were replaced: the new files must stay
// as they are.
func TestStopLeavesOtherFilesAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{})
	write(t, s, "a", "b")
	other := newKilled(t, "other.db")
	for _, suffix := range []string{"", "-wal"} {
		shell(t, "mv", other.path+suffix, path+suffix)
	}
	shell(t, "rm", path+"-shm")
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	all, err := eventstoretest.Verify(t.Context(), mustOpen(t, path, Options{Lock: true}))
	if err != nil || len(all) < int(other.head.Seq) {
		t.Errorf("got %d records, %v, want at least %d", len(all), err, other.head.Seq)
	}
}

// otherDatabase returns the path of a complete history without a log.
func otherDatabase(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.db")
	s := mustOpen(t, path, Options{})
	write(t, s, "a", "other", "history")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// shell runs a command in another process: reading the database in this process would drop its
// locks.
func shell(t testing.TB, command ...string) {
	t.Helper()
	if output, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v: %s", command, err, output)
	}
}

func mustNotExist(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s is there (%v)", path, err)
	}
}
