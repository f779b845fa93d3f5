package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"configapi/internal/backup"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/eventstore/sqlite"
	"configapi/internal/postgrestest"
	"configapi/internal/processtest"
)

// MustRun runs a command that must succeed without a word on standard output, and returns what it
// says on standard error.
func MustRun(t *testing.T, args ...string) string {
	t.Helper()
	got := run(t, nil, args...)
	if got.code != 0 || got.stdout != "" {
		t.Fatalf("%q: got %+v", args, got)
	}
	return got.stderr
}

func mustReadFile(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestHistoryMovesBetweenStores backs up a history beside its server, and moves it to PostgreSQL
// and back: all backups are the same bytes, and a server goes on with the history.
func TestHistoryMovesBetweenStores(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	first, second, third := "sqlite:"+file("first.db"), postgrestest.NewDatabase(t), "sqlite:"+file("third.db")
	server := MustServe(t, first)
	server.MustPut(t, "a", "1")
	server.MustPut(t, "b", "ü\n\"")
	position := server.MustPut(t, "a", "2")

	said := MustRun(t, "backup", "--store", first, file("1"))
	if !strings.HasPrefix(said, "backed up 3 events, head "+position+", ") || strings.Count(said, "\n") != 1 {
		t.Errorf("backup says %q", said)
	}
	said = MustRun(t, "backup", file("1.zst"), "--store", first)
	if size := fmt.Sprintf(", %d bytes, ", len(mustReadFile(t, file("1.zst")))); !strings.Contains(said, size) {
		t.Errorf("backup says %q, want %q in it", said, size)
	}
	server.terminate()

	said = MustRun(t, "restore-backup", file("1.zst"), "--store", second)
	if !strings.HasPrefix(said, "restored 3 events after 0 that were there, head "+position+", ") || !strings.Contains(said, "no idempotency keys") {
		t.Errorf("restore-backup says %q", said)
	}
	MustRun(t, "backup", "--store", second, file("2"))
	MustRun(t, "restore-backup", "--store", third, file("2"))
	MustRun(t, "backup", "--store", third, file("3"))
	for _, name := range []string{"2", "3"} {
		if !bytes.Equal(mustReadFile(t, file("1")), mustReadFile(t, file(name))) {
			t.Errorf("backup %s is %s, want %s", name, mustReadFile(t, file(name)), mustReadFile(t, file("1")))
		}
	}
	for _, store := range []string{second, third} {
		if got := run(t, nil, "verify", "--store", store, "--contains", position); got.code != 0 {
			t.Errorf("%s: %s", store, got.stderr)
		}
	}
	server = MustServe(t, third)
	if got := server.MustGet(t, "/config/b"); got != "ü\n\"" {
		t.Errorf("got %q", got)
	}
	if got := server.MustPut(t, "a", "3"); !strings.HasPrefix(got, "4-") {
		t.Errorf("the next change is at %s", got)
	}
}

// TestOperationsExamples runs the examples about backups of the operations manual in order, in a
// folder with a history.
func TestOperationsExamples(t *testing.T) {
	manual := string(mustReadFile(t, "../../docs/operations.md"))
	database := postgrestest.NewDatabase(t)
	t.Chdir(t.TempDir())
	newest := MustFill(t, "data/configapi.db")
	examples := regexp.MustCompile(`(?m)^    configapi ((?:backup|restore-backup) .*)$`).FindAllStringSubmatch(manual, -1)
	if len(examples) < 5 {
		t.Fatalf("the manual has lost its examples: %q", examples)
	}
	for _, example := range examples {
		args := strings.Fields(strings.ReplaceAll(example[1], "postgres://user:password@host:5432/configapi", database))
		if said := MustRun(t, args...); !strings.Contains(said, "10 events") || !strings.Contains(said, newest) {
			t.Errorf("%s says %q", example[1], said)
		}
	}
	if !bytes.Equal(mustReadFile(t, "history"), mustReadFile(t, "again")) {
		t.Error("the backup of the moved history is not the same bytes")
	}
}

// TestBackupThroughPipes writes to standard output and reads standard input.
func TestBackupThroughPipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configapi.db")
	MustFill(t, path)
	wrote := run(t, nil, "backup", "-", "--store", "sqlite:"+path)
	if wrote.code != 0 || strings.Count(wrote.stdout, "\n") != 12 || !strings.HasPrefix(wrote.stderr, "backed up 10 events") {
		t.Fatalf("got %+v", wrote)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	read := runWith(t.Context(), strings.NewReader(wrote.stdout), nil, "restore-backup", "--store", "sqlite:"+copied, "-")
	if read.code != 0 {
		t.Fatalf("got %+v", read)
	}
	if again := run(t, nil, "backup", "--store", "sqlite:"+copied, "-"); again.stdout != wrote.stdout {
		t.Errorf("got %s, want %s", again.stdout, wrote.stdout)
	}
}

func TestBackupsThatAreRefused(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	newest := MustFill(t, file("configapi.db"))
	store := "sqlite:" + file("configapi.db")
	MustRun(t, "backup", "--store", store, file("whole"))
	whole := mustReadFile(t, file("whole"))
	for name, content := range map[string]string{"notes": "notes\n", "cut": string(whole[:len(whole)-9]), "changed": strings.Replace(string(whole), `"4`, `"5`, 1)} {
		if err := os.WriteFile(file(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	MustFill(t, file("other.db"))
	for _, test := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no file", []string{"backup", "--store", store}, 2, "name one FILE, not 0"},
		{"two files", []string{"backup", file("x"), "--store", store, file("y")}, 2, "name one FILE, not 2"},
		{"unknown flag after the file", []string{"backup", file("x"), "--stor", store}, 2, "-stor"},
		{"file exists", []string{"backup", file("whole"), "--store", store}, 2, "exists already: " + file("whole") + "; choose another name, or replace it with --force"},
		{"no directory", []string{"backup", file("none/x"), "--store", store}, 2, "making the backup"},
		{"a directory", []string{"backup", dir, "--force", "--store", store}, 2, "is not a regular file"},
		{"no store", []string{"backup", file("x"), "--store", "sqlite:" + file("none.db")}, 2, "none.db"},
		{"memory", []string{"backup", file("x"), "--store", "memory"}, 2, "in memory ends with its server"},
		{"no backup", []string{"restore-backup", file("none"), "--store", store}, 2, "opening the backup"},
		{"no backup, but notes", []string{"restore-backup", file("notes"), "--store", "sqlite:" + file("new1.db")}, 8, "damaged at line 1: this is no backup of configapi"},
		{"restore into memory", []string{"restore-backup", file("whole"), "--store", "memory"}, 2, "a history in memory ends with its program"},
		{"restore into another history", []string{"restore-backup", file("whole"), "--store", "sqlite:" + file("other.db")}, 2, "another event than the backup at position 1; restore into an empty store"},
		{"cut", []string{"restore-backup", file("cut"), "--store", "sqlite:" + file("new2.db")}, 8, "cut off"},
		{"changed", []string{"restore-backup", file("changed"), "--store", "sqlite:" + file("new3.db")}, 8, "damaged at line "},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := run(t, nil, test.args...)
			if got.code != test.code || got.stdout != "" || !strings.Contains(got.stderr, test.want) || strings.Count(got.stderr, "\n") != 1 {
				t.Errorf("got %+v, want exit code %d and one line with %q", got, test.code, test.want)
			}
		})
	}
	if _, err := os.Stat(file("new1.db")); err == nil {
		t.Error("a store was made for a file that is no backup")
	}
	MustRun(t, "backup", file("whole"), "--force", "--store", store)
	MustRun(t, "restore-backup", file("whole"), "--store", store) // it is there already
	if got := run(t, nil, "verify", "--store", store, "--contains", newest); got.code != 0 || !strings.HasPrefix(got.stdout, "ok: 10 events") {
		t.Errorf("got %+v", got)
	}
}

// TestBrokenHistoryIsNoBackup: the file does not appear.
func TestBrokenHistoryIsNoBackup(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "configapi.db")
	MustFill(t, path)
	MustChange(t, path, `UPDATE events SET actor = 'mallory' WHERE position = 7`)
	got := run(t, nil, "backup", "--store", "sqlite:"+path, filepath.Join(dir, "b"))
	if got.code != 1 || !strings.Contains(got.stderr, "the history is broken at position 7") || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("got %+v", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*b*"))
	if err != nil || slices.ContainsFunc(left, func(name string) bool { return !strings.HasPrefix(filepath.Base(name), "configapi.db") }) {
		t.Errorf("got %q, %v", left, err)
	}
}

// TestRestoreKeepsServersOut: no restore into the store of a running server, and no server on a
// store that is not whole.
func TestRestoreKeepsServersOut(t *testing.T) {
	dir := t.TempDir()
	MustFill(t, filepath.Join(dir, "configapi.db"))
	whole, cut := filepath.Join(dir, "whole"), filepath.Join(dir, "cut")
	MustRun(t, "backup", "--store", "sqlite:"+filepath.Join(dir, "configapi.db"), whole)
	content := mustReadFile(t, whole)
	if err := os.WriteFile(cut, content[:len(content)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	eachStore(t, func(t *testing.T, store string) {
		server := MustServe(t, store)
		got := run(t, nil, "restore-backup", "--store", store, whole)
		if got.code == 0 || !strings.Contains(got.stderr, "server is running on this") {
			t.Errorf("beside a server: got %+v", got)
		}
		if code, _ := server.terminate(); code != 0 {
			t.Fatalf("the server ended with %d", code)
		}
		if got := run(t, nil, "restore-backup", "--store", store, cut); got.code != 8 || !strings.Contains(got.stderr, "cut off") {
			t.Errorf("a cut file: got %+v", got)
		}
		const want = "0 of the 10 events of a backup, because its restore is running or was interrupted; run `configapi restore-backup` with that backup again\n"
		for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0"}, {"backup", filepath.Join(t.TempDir(), "b")}, {"verify"}} {
			if got := runBriefly(t, nil, append(args, "--store", store)...); got.code != 2 || !strings.HasSuffix(got.stderr, want) {
				t.Errorf("%q on a store that is not whole: got %+v", args, got)
			}
		}
		MustRun(t, "restore-backup", whole, "--store", store)
		MustServe(t, store).MustPut(t, "a", "x")
	})
}

// TestKilledRestoreGoesOn kills a restore that has appended a part of its backup.
func TestKilledRestoreGoesOn(t *testing.T) {
	dir := t.TempDir()
	whole := mustBeLarge(t)
	path := filepath.Join(dir, "configapi.db")
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "restore-backup", "-", "--store", "sqlite:"+path)
	cmd.Env, cmd.Stdin = append(os.Environ(), asProgram+"=1"), in
	restore, err := processtest.Start(cmd, filepath.Join(dir, "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	defer restore.Kill()
	in.Close()
	// The pipe stays open, so the restore waits for the rest.
	if _, err := out.Write(whole[:len(whole)*3/4]); err != nil {
		t.Fatal(err)
	}
	head := awaitEvents(t, path)
	restore.Kill()
	out.Close()

	store := "sqlite:" + path
	if got := runBriefly(t, nil, "serve", "--store", store, "--listen", "127.0.0.1:0"); got.code != 2 || !strings.Contains(got.stderr, "restore-backup") {
		t.Errorf("a server on a part of a history: got %+v", got)
	}
	file := filepath.Join(dir, "whole")
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	said := MustRun(t, "restore-backup", file, "--store", store)
	if head.Seq == 0 || strings.Contains(said, "after 0 that were there") {
		t.Errorf("after a kill at %s: got %q", head.Position(), said)
	}
	if got := run(t, nil, "backup", "--store", store, "-"); got.code != 0 || got.stdout != string(whole) {
		t.Errorf("the restored history is another one: %+v", got.stderr)
	}
	MustServe(t, store).MustPut(t, "new", "x")
}

// mustBeLarge returns a backup of 20,000 events, which a restore appends in several parts.
func mustBeLarge(t *testing.T) []byte {
	t.Helper()
	const events = 20_000
	records := make([]eventstore.Record, events)
	for i := range records {
		records[i] = eventstore.Record{
			Name: "a", Version: i + 1, Type: "ConfigValueSet", SchemaVersion: 1, Data: `{"value":"x"}`,
			RecordedAt: time.UnixMicro(1_700_000_000_000_000 + int64(i)).UTC(),
		}
	}
	new(eventstore.Chain).Seal(eventstore.Head{}, eventstore.AppendID{1}, records)
	store := memory.New()
	if err := store.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := backup.Write(t.Context(), &out, store, config.Codec{}, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestInterruptedRestoreSaysHowToGoOn interrupts a restore that waits for a pipe.
func TestInterruptedRestoreSaysHowToGoOn(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "configapi.db")
	MustFill(t, path)
	whole := filepath.Join(t.TempDir(), "whole")
	MustRun(t, "backup", "--store", "sqlite:"+path, whole)
	cut, out, err := os.Pipe() // it never ends
	if err != nil {
		t.Fatal(err)
	}
	defer cut.Close()
	defer out.Close()
	if _, err := out.Write(mustReadFile(t, whole)[:500]); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	got := runWith(ctx, &interruptingReader{File: cut, cancel: cancel}, nil, "restore-backup", "-", "--store", "sqlite:"+filepath.Join(dir, "new.db"))
	if got.code != 130 || got.stderr != "configapi: the restore was interrupted; the same command goes on where it was\n" {
		t.Errorf("got %+v", got)
	}
}

// interruptingReader reads a pipe, and calls cancel before its second read, which waits.
type interruptingReader struct {
	*os.File
	cancel func()
	reads  int
}

func (r *interruptingReader) Read(into []byte) (int, error) {
	if r.reads++; r.reads == 2 {
		r.cancel()
	}
	return r.File.Read(into)
}

// awaitEvents waits until a file has events, and returns its head then.
func awaitEvents(t *testing.T, path string) eventstore.Head {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for ctx.Err() == nil {
		store, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true, PollInterval: 10 * time.Millisecond})
		if err != nil {
			continue // it is not made yet
		}
		err = store.Wait(ctx, 0)
		head, headErr := store.Head(ctx)
		store.Close()
		if err == nil && headErr == nil && head.Seq > 0 {
			return head
		}
	}
	t.Fatal("the restore has appended nothing")
	return eventstore.Head{}
}
