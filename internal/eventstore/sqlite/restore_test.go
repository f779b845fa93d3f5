package sqlite

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/sqlite"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/slowtest"
)

// killed is a history whose server was killed, so that its log is left, together with copies of it.
type killed struct {
	path string
	head eventstore.Head
	// stopped is a copy from before the server's last start; backup and vacuumed were made while it
	// ran.
	stopped, backup, vacuumed string
}

// newKilled makes a killed history. A copy of the files stands for the files of the killed process,
// because SQLite closes no file of it.
func newKilled(t *testing.T, name string) killed {
	t.Helper()
	dir := t.TempDir()
	live := filepath.Join(dir, "live", name)
	k := killed{
		path: filepath.Join(dir, name), stopped: filepath.Join(dir, "stopped"),
		backup: filepath.Join(dir, "backup"), vacuumed: filepath.Join(dir, "vacuumed"),
	}
	p := startProcess(t, "append", live)
	p.lines.Scan()
	p.stop(t)
	shell(t, "cp", live, k.stopped)
	p = startProcess(t, "append", live)
	p.lines.Scan()
	backUp(t, live, k.backup)
	execute(t, live, "VACUUM INTO '"+k.vacuumed+"'")
	for range 5 {
		p.lines.Scan()
	}
	p.kill()
	k.path = live
	b, err := eventstore.ParsePosition(strings.Fields(p.lines.Text())[1])
	if err != nil {
		t.Fatal(err)
	}
	k.head = eventstore.Head{Seq: b.Seq}
	return k
}

// TestLogOfAnotherFileIsNotReplayed puts another file in the place of the one whose log is left.
func TestLogOfAnotherFileIsNotReplayed(t *testing.T) {
	slowtest.Only(t)
	t.Parallel()
	for _, row := range []struct {
		name string
		put  func(k killed) []string
	}{
		{"mv of a copy", func(k killed) []string { return []string{"mv", k.stopped, k.path} }},
		{"cp over it", func(k killed) []string { return []string{"cp", k.stopped, k.path} }},
		{"cp -p over it", func(k killed) []string { return []string{"cp", "-p", k.stopped, k.path} }},
		{"cp to a new file", func(k killed) []string {
			return []string{"sh", "-c", "rm " + k.path + " && cp " + k.stopped + " " + k.path}
		}},
		{"written in place", func(k killed) []string { return []string{"dd", "if=" + k.stopped, "of=" + k.path, "conv=notrunc"} }},
		{"mv of a backup", func(k killed) []string { return []string{"mv", k.backup, k.path} }},
		{"cp of a backup over it", func(k killed) []string { return []string{"cp", k.backup, k.path} }},
		{"mv of a vacuumed copy", func(k killed) []string { return []string{"mv", k.vacuumed, k.path} }},
		{"cp of a vacuumed copy over it", func(k killed) []string { return []string{"cp", k.vacuumed, k.path} }},
		{"cp of a vacuumed copy from before the log, which is copied", func(k killed) []string {
			execute(t, k.stopped, "VACUUM")
			return []string{"sh", "-c", "cp " + k.path + "-wal " + k.path + "-w && mv " + k.path + "-w " + k.path + "-wal && cp " + k.stopped + " " + k.path}
		}},
		{"cp of another database over it", func(k killed) []string { return []string{"cp", otherDatabase(t), k.path} }},
		{"the log of another database", func(k killed) []string {
			return []string{"cp", newKilled(t, "other.db").path + "-wal", k.path + "-wal"}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, "history.db")
			shell(t, row.put(k)...)
			before := mustReadFile(t, k.path)
			for _, opts := range []Options{{Lock: true}, {}, {ReadOnly: true}} {
				s, err := Open(t.Context(), k.path, opts)
				if !errors.Is(err, errForeignLog) || !strings.Contains(err.Error(), "delete "+k.path+"-wal and "+k.path+"-shm and start again") {
					t.Errorf("%+v: got error %v, want %q and what to do", opts, err, errForeignLog)
				}
				if err == nil {
					s.Close()
				}
			}
			if mustReadFile(t, k.path) != before {
				t.Error("the file was changed")
			}
			shell(t, "rm", "-f", k.path+"-wal", k.path+"-shm")
			s := mustOpen(t, k.path, Options{Lock: true})
			if _, err := eventstoretest.Verify(t.Context(), s); err != nil {
				t.Errorf("after what the error says was done: %v", err)
			}
			write(t, s, "a")
		})
	}
}

// TestMarkersDuringACheckpoint checks that a log whose checkpoint has begun accepts a file with
// either ID, but no other file.
func TestMarkersDuringACheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	mustOpen(t, path, Options{})
	begun, err := logMarker{Parent: "1", ID: "2"}.withFiles(path)
	if err != nil {
		t.Fatal(err)
	}
	checkpointing := begun
	checkpointing.Checkpointing = true
	moved, again := checkpointing, checkpointing
	moved.Database++
	again.Parent, again.ID, again.Checkpointing = "2", "3", false
	for _, row := range []struct {
		name    string
		has     databaseState
		markers []logMarker
		own     bool
	}{
		{"no checkpoint, the ID of the parent", databaseState{markerID: "1"}, []logMarker{begun}, true},
		{"no checkpoint, the ID of the log", databaseState{markerID: "2"}, []logMarker{begun}, false},
		{"no checkpoint, unreadable", databaseState{err: os.ErrInvalid}, []logMarker{begun}, false},
		{"checkpoint, the ID of the parent", databaseState{markerID: "1"}, []logMarker{begun, checkpointing}, true},
		{"checkpoint, the ID of the log", databaseState{markerID: "2"}, []logMarker{begun, checkpointing}, true},
		{"checkpoint, unreadable", databaseState{err: os.ErrInvalid}, []logMarker{begun, checkpointing}, true},
		{"checkpoint, another ID", databaseState{markerID: "3"}, []logMarker{begun, checkpointing}, false},
		{"checkpoint, another file", databaseState{markerID: "2"}, []logMarker{moved}, false},
		{"the log went on", databaseState{markerID: "2"}, []logMarker{begun, checkpointing, again}, true},
		{"the log went on, the ID of its next marker", databaseState{markerID: "3"}, []logMarker{begun, checkpointing, again}, false},
	} {
		why, err := markerMismatch(path, row.has, row.markers)
		if err != nil || (why == "") != row.own {
			t.Errorf("%s: got %q, %v, want it to be its own: %t", row.name, why, err, row.own)
		}
	}
}

// TestLogWithoutAMarker checks that such a log is replayed when another program has written to the
// file, and refused when it is that of another database.
func TestLogWithoutAMarker(t *testing.T) {
	t.Parallel()
	path := otherDatabase(t)
	edited, foreign := filepath.Join(t.TempDir(), "edited.db"), filepath.Join(t.TempDir(), "foreign.db")
	copyLog := func(from, statements, to string) {
		db, err := sql.Open("sqlite", from)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.ExecContext(t.Context(), "PRAGMA journal_mode = WAL; "+statements); err != nil {
			t.Fatal(err)
		}
		shell(t, "cp", path, to)
		shell(t, "cp", from+"-wal", to+"-wal")
	}
	copyLog(filepath.Join(t.TempDir(), "people.db"), "CREATE TABLE people (name TEXT); INSERT INTO people VALUES ('a')", foreign)
	copyLog(path, "UPDATE events SET actor = 'somebody' WHERE position = 2", edited)
	for _, opts := range []Options{{ReadOnly: true}, {Lock: true}} {
		if s, err := Open(t.Context(), foreign, opts); !errors.Is(err, errForeignLog) {
			t.Errorf("the log of another database: got %v, %v, want error %q", s, err, errForeignLog)
		}
		_, err := eventstoretest.Verify(t.Context(), mustOpen(t, edited, opts))
		var broken *eventstore.ChainError
		if !errors.As(err, &broken) || broken.Seq != 2 {
			t.Errorf("what another program has written: got %v, want that seq 2 is broken", err)
		}
	}
}

// TestOwnLogIsReplayed checks that a log is replayed after both files were copied, in either order,
// and after the mode of the file was changed.
func TestOwnLogIsReplayed(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		do   func(k killed) (path string)
	}{
		{"after a kill", func(k killed) string { return k.path }},
		{"other rights", func(k killed) string { shell(t, "chmod", "640", k.path); return k.path }},
		{"copied", func(k killed) string {
			shell(t, "cp", k.path, k.stopped)
			shell(t, "cp", k.path+"-wal", k.stopped+"-wal")
			return k.stopped
		}},
		{"copied, the log first", func(k killed) string {
			shell(t, "cp", k.path+"-wal", k.stopped+"-wal")
			shell(t, "cp", k.path, k.stopped)
			return k.stopped
		}},
		{"the directory was copied", func(k killed) string {
			shell(t, "cp", "-a", filepath.Dir(k.path), k.stopped+".dir")
			return filepath.Join(k.stopped+".dir", filepath.Base(k.path))
		}},
		{"moved", func(k killed) string {
			shell(t, "mv", k.path, k.stopped)
			shell(t, "mv", k.path+"-wal", k.stopped+"-wal")
			return k.stopped
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			k := newKilled(t, "history.db")
			path := row.do(k)
			for _, opts := range []Options{{ReadOnly: true}, {Lock: true}} {
				s := mustOpen(t, path, opts)
				all, err := eventstoretest.Verify(t.Context(), s)
				if err != nil || len(all) < int(k.head.Seq) {
					t.Errorf("%+v: got %d records, %v, want at least %d", opts, len(all), err, k.head.Seq)
				}
			}
		})
	}
}

// TestNoHistoryBeginsBesideALog checks that no new history is begun beside the log of an old one. A
// lock file or an older copy of the database does not count as a log.
func TestNoHistoryBeginsBesideALog(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		left    string
		refused bool
	}{{"-wal", true}, {"-shm", true}, {".lock", false}, {".old", false}, {"", false}} {
		path := filepath.Join(t.TempDir(), "history.db")
		if err := os.WriteFile(path+row.left, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), path, Options{Lock: true})
		if err == nil {
			s.Close()
		}
		if (err != nil) != row.refused || row.refused && !strings.Contains(err.Error(), path+row.left+" of an older history is left") {
			t.Errorf("beside history.db%s: got error %v, want one: %t", row.left, err, row.refused)
		}
		if row.refused {
			mustNotExist(t, path)
		}
	}
}

// TestBackupUnderWrites makes the documented backup while another goroutine writes all the time.
func TestBackupUnderWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustOpen(t, filepath.Join(dir, "history.db"), Options{})
	first := write(t, s, "a", "b")
	stop, ended := make(chan struct{}), make(chan error, 1)
	wrote := make(chan struct{}, 1)
	go func() {
		for head := first; ; {
			records, after := eventstoretest.Next(head, "c", strings.Repeat("d", 200))
			if err := s.Append(t.Context(), head, records); err != nil {
				ended <- err
				return
			}
			head = after
			select {
			case wrote <- struct{}{}:
			default:
			}
			select {
			case <-stop:
				ended <- nil
				return
			default:
			}
		}
	}()
	<-wrote
	db, err := sql.Open("sqlite", s.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	copied := filepath.Join(dir, "copy.db")
	if _, err := db.ExecContext(t.Context(), "VACUUM INTO ?", copied); err != nil {
		t.Errorf("VACUUM INTO: %v", err)
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Errorf("writing beside it: %v", err)
	}
	restored := mustOpen(t, copied, Options{Lock: true})
	all, err := eventstoretest.Verify(t.Context(), restored)
	if err != nil || len(all) < 2 {
		t.Errorf("the copy: got %d records, %v", len(all), err)
	}
	write(t, restored, "a")
}

// backUp copies a database page by page, as .backup of the sqlite3 shell does.
func backUp(t *testing.T, from, to string) {
	t.Helper()
	db, err := sql.Open("sqlite", from)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(driver any) error {
		copying, err := driver.(interface {
			NewBackup(to string) (*sqlite.Backup, error)
		}).NewBackup(to)
		if err != nil {
			return err
		}
		if _, err := copying.Step(-1); err != nil {
			return err
		}
		return copying.Finish()
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustReadFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
