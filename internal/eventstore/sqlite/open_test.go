package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	sqlite3 "modernc.org/sqlite/lib"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

func TestOpenMakesAFileForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some", "where", "history.db")
	s := mustOpen(t, path, Options{Lock: true})
	write(t, s, "a")
	for _, file := range []string{path, path + "-wal", path + "-shm", path + ".lock"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %o, want 600", file, got)
		}
	}
}

func TestCloseWritesTheLogIntoTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, "a")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the write-ahead log is still there (%v)", err)
	}
	write(t, mustOpen(t, path, Options{}), "b")
}

func TestOpenKeepsToTheFileWhenTheWorkingDirectoryChanges(t *testing.T) {
	t.Chdir(t.TempDir())
	s := mustOpen(t, "history.db", Options{})
	t.Chdir(t.TempDir())
	s.writer.disconnect() // the next append opens the file again
	s.nodeReaders.takeIdle().close()
	write(t, s, "a")
}

func TestFileThatIsGoneIsNotMadeAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	s := mustOpen(t, path, Options{})
	head := write(t, s, "a")
	s.writer.disconnect() // as after any error
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	records, _ := eventstoretest.Next(head, "b")
	if err := s.Append(t.Context(), head, records); !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("got error %v, want %q", err, eventstore.ErrNotWritten)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error("there is a new file")
	}
}

func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some", "where", "history.db")
	var group errgroup.Group
	for i := range 8 {
		group.Go(func() error {
			s, err := Open(t.Context(), path, Options{})
			if err != nil {
				return err
			}
			defer s.Close()
			for {
				before, err := s.Head(t.Context())
				if err != nil {
					return err
				}
				records, _ := eventstoretest.Next(before, fmt.Sprint(i))
				if err = s.Append(t.Context(), before, records); err != eventstore.ErrHeadMoved {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	all, err := eventstoretest.Verify(t.Context(), mustOpen(t, path, Options{ReadOnly: true}))
	if err != nil || len(all) != 8 {
		t.Errorf("got %d records, %v, want 8", len(all), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "text")
	if err := os.WriteFile(file, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	newer, foreign, behind := filepath.Join(dir, "newer.db"), filepath.Join(dir, "foreign.db"), filepath.Join(dir, "behind.db")
	formatOne := filepath.Join(dir, "format1.db")
	execute(t, formatOne, "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY); INSERT INTO schema_migrations VALUES (1), (2), (3), (4)")
	notReleased := filepath.Join(dir, "unreleased.db")
	execute(t, notReleased, "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY); INSERT INTO schema_migrations VALUES (5)")
	execute(t, newer, "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY); INSERT INTO schema_migrations VALUES (1), (99)")
	execute(t, foreign, "CREATE TABLE people (name TEXT)")
	execute(t, behind, "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY)")
	for _, test := range []struct {
		name, path string
		opts       Options
		want       string
	}{
		{"a negative interval", filepath.Join(dir, "none"), Options{PollInterval: -1}, "must not be negative"},
		{"no path", "", Options{}, "the path is empty"},
		{"a database in memory", ":memory:", Options{}, "use the store memory"},
		{"a URI", "file:history.db?mode=memory", Options{}, "it must not be a URI"},
		{"a directory that is a file", filepath.Join(file, "history.db"), Options{}, "not a directory"},
		{"a file that is a directory", dir, Options{}, "unable to open database file"},
		{"a file of something else", file, Options{}, "file is not a database"},
		{"a file of something else, to read", file, Options{ReadOnly: true}, "file is not a database"},
		{"a database of something else", foreign, Options{}, "an SQLite database of another program"},
		{"a database of something else, to read", foreign, Options{ReadOnly: true}, "no such table: schema_migrations"},
		{"a newer schema", newer, Options{}, "its schema has version 99, the newest known is 7: a newer version of this program"},
		{"a newer schema, to read", newer, Options{ReadOnly: true}, "its schema has version 99, the newest known is 7"},
		{"a history of format 1", formatOne, Options{}, "its history has format 1, which this program cannot read; start with a new file"},
		{"tables that were not released", notReleased, Options{}, "make a backup with that version and restore it into a new file"},
		{"tables that were not released, to read", notReleased, Options{ReadOnly: true}, "make a backup with that version and restore it into a new file"},
		{"a history of format 1, to read", formatOne, Options{ReadOnly: true}, "its history has format 1, which this program cannot read; start with a new file"},
		{"an older schema, to read", behind, Options{ReadOnly: true}, "its schema has version 0, this program needs 7; run the server"},
		{"a missing file, to read", filepath.Join(dir, "none"), Options{ReadOnly: true}, "no such file"},
		{"a file in a missing directory, to read", filepath.Join(dir, "no", "ne"), Options{ReadOnly: true}, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(t.Context(), test.path, test.opts)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %v, want one line with %q", err, test.want)
			}
		})
	}
	for _, name := range []string{"none", "no"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("opening %s to read has made it", name)
		}
	}
}

// TestDirectoriesAreForTheirOwnerAlone checks the mode of the directories that the store makes, and
// that each is on disk before something is put into it.
func TestDirectoriesAreForTheirOwnerAlone(t *testing.T) {
	top := t.TempDir()
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	var synced []string
	sync := func(dir string) error {
		entries, err := os.ReadDir(dir)
		synced = append(synced, fmt.Sprint(dir, " ", len(entries)))
		return err
	}
	if err := makeDir(filepath.Join(top, "some", "where"), sync); err != nil {
		t.Fatal(err)
	}
	want := []string{top + " 1", filepath.Join(top, "some") + " 1"}
	if !slices.Equal(synced, want) {
		t.Errorf("got fsync of %q, want of %q", synced, want)
	}
	for dir, want := range map[string]fs.FileMode{top: 0o755, filepath.Join(top, "some"): 0o700, filepath.Join(top, "some", "where"): 0o700} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: got mode %v, %v, want %v", dir, info.Mode(), err, want)
		}
	}
	failed := errors.New("input/output error")
	if err := makeDir(filepath.Join(top, "other"), func(string) error { return failed }); err != failed {
		t.Errorf("got error %v, want that of fsync", err)
	}
	if _, err := os.Stat(filepath.Join(top, "other", "below")); err == nil {
		t.Error("there is something in a directory that may not be on disk")
	}
}

// TestSyncDirSyncs uses a file that can be opened but does not support fsync.
func TestSyncDirSyncs(t *testing.T) {
	if err := syncDir(t.TempDir()); err != nil {
		t.Error(err)
	}
	if err := syncDir(os.DevNull); err == nil {
		t.Errorf("fsync of %s succeeds", os.DevNull)
	}
}

// TestOneServerForAllNamesOfAFile tries symbolic links to the file and to its directory, and hard
// links.
func TestOneServerForAllNamesOfAFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data", "history.db")
	s := mustOpen(t, path, Options{Lock: true})
	write(t, s, "a")
	file, directory, hard := filepath.Join(dir, "alias.db"), filepath.Join(dir, "alias"), filepath.Join(dir, "hard.db")
	for _, err := range []error{os.Symlink(path, file), os.Symlink(filepath.Dir(path), directory)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, alias := range []string{file, filepath.Join(directory, "history.db")} {
		if _, err := Open(t.Context(), alias, Options{Lock: true}); !errors.Is(err, ErrLocked) {
			t.Errorf("%s: got error %v, want %q", alias, err, ErrLocked)
		}
		write(t, mustOpen(t, alias, Options{}), "b") // the same history
	}
	if err := os.Link(path, hard); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), hard, Options{Lock: true}); err == nil || !strings.Contains(err.Error(), "it has 2 hard links") {
		t.Errorf("a hard link: got error %v", err)
	}
	if head, err := s.Head(t.Context()); err != nil || head.Seq != 3 {
		t.Errorf("got head %v, %v, want seq 3", head, err)
	}
	nothing := filepath.Join(dir, "nothing.db")
	if err := os.Symlink(filepath.Join(dir, "none.db"), nothing); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), nothing, Options{}); err == nil || !strings.Contains(err.Error(), "a symbolic link to a missing file") {
		t.Errorf("a link to nothing: got error %v", err)
	}
}

// TestFileSystemWithoutALog opens a store on a disk on which no file can be in WAL mode.
func TestFileSystemWithoutALog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	_, err := Open(t.Context(), path, newDisk(t, 1, true).under(Options{}))
	if want := "journal_mode was set to wal but is delete, with which acknowledged writes could be lost"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
}

func TestSettingsThatWouldLoseWritesAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	if err := createFile(path); err != nil {
		t.Fatal(err)
	}
	for settings, want := range map[string]string{
		writerSettings: "",
		"PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL": "journal_mode was set to wal but is delete",
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL":  "synchronous was set to 2 but is 1",
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF":     "synchronous was set to 2 but is 0",
	} {
		conn, err := openConnection(path, Options{}.withDefaults(), sqlite3.SQLITE_OPEN_READWRITE)
		if err == nil {
			err = conn.execute(settings)
		}
		if err != nil {
			t.Fatal(err)
		}
		switch err := checkSettings(conn); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", settings, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got error %v, want %q", settings, err, want)
		}
		if err := conn.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	server := mustOpen(t, path, Options{Lock: true})
	head := write(t, server, "a", "b")
	s := mustOpen(t, path, Options{ReadOnly: true})
	if _, err := eventstoretest.Verify(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	records, _ := eventstoretest.Next(head, "c")
	if err := s.Append(t.Context(), head, records); !errors.Is(err, eventstore.ErrNotWritten) {
		t.Errorf("Append: got error %v, want %q", err, eventstore.ErrNotWritten)
	}
	for _, statement := range []string{"DELETE FROM events", "CREATE TABLE t (x)", "PRAGMA user_version = 7"} {
		err := s.nodeReaders.use(t.Context(), func(r *reader) error {
			prepared, err := r.prepare(statement)
			if err != nil {
				return err
			}
			defer r.finalize(prepared)
			_, err = r.step(prepared)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "attempt to write a readonly database") {
			t.Errorf("%s: got error %v, want that the database is read-only", statement, err)
		}
	}
	head = write(t, server, "c")
	if got, err := s.Head(t.Context()); err != nil || got != head {
		t.Errorf("Head: got %v, %v, want %v", got, err, head)
	}
}

func TestOldSchemaIsBroughtUpToDate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	execute(t, path, "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY)")
	write(t, mustOpen(t, path, Options{}), "a")
	mustOpen(t, path, Options{ReadOnly: true})
}

func TestMigrationThatFailsLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.db")
	execute(t, path, "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY); CREATE TABLE events (x)")
	want := "migrating to schema version 6"
	if _, err := Open(t.Context(), path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got error %v, want %q", err, want)
	}
	execute(t, path, "DROP TABLE events")
	write(t, mustOpen(t, path, Options{}), "a")
}

// write appends a record for each name, and returns the head.
func write(t testing.TB, s *Store, names ...string) eventstore.Head {
	t.Helper()
	before, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	records, after := eventstoretest.Next(before, names...)
	if err := s.Append(t.Context(), before, records); err != nil {
		t.Fatal(err)
	}
	return after
}

// execute runs statements on a file as another program would.
func execute(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(context.Background(), statements); err != nil {
		t.Fatal(err)
	}
}
