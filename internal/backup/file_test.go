package backup_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/backup"

	"github.com/klauspost/compress/zstd"
)

// MustCreate writes a whole file.
func MustCreate(t *testing.T, path, content string, replace bool) {
	t.Helper()
	file, err := backup.Create(path, replace)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(file, content); err != nil {
		t.Fatal(err)
	}
	if err := file.Commit(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != file.Bytes() || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want %d bytes and mode 0600", info, err, file.Bytes())
	}
}

func TestFileGetsItsNameWhenItIsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b.ndjson")
	file, err := backup.Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(file, "half"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || !strings.HasPrefix(got[0], ".b.ndjson.") || !strings.HasSuffix(got[0], ".partial") {
		t.Errorf("got %q while the file is written", got)
	}
	if err := file.Discard(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("got %q after the file was given up", got)
	}
	MustCreate(t, path, "whole", false)
	if got := names(t, dir); len(got) != 1 || got[0] != "b.ndjson" {
		t.Errorf("got %q after the file was written", got)
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func TestFileIsNotReplacedUnasked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b")
	late, err := backup.Create(path, false)
	if err != nil {
		t.Fatal(err)
	}
	MustCreate(t, path, "first", false)
	if _, err := backup.Create(path, false); !errors.Is(err, backup.ErrExists) {
		t.Errorf("beginning another: got %v", err)
	}
	if err := late.Commit(); !errors.Is(err, backup.ErrExists) {
		t.Errorf("ending one that began before: got %v", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "first" || len(names(t, dir)) != 1 {
		t.Errorf("got %q, beside %q", got, names(t, dir))
	}
	MustCreate(t, path, "second", true)
	if got, _ := os.ReadFile(path); string(got) != "second" {
		t.Errorf("got %q, want it replaced", got)
	}
	if _, err := backup.Create(dir, true); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("replacing a directory: got %v", err)
	}
}

func TestCompressedFilesAreEqualAndShort(t *testing.T) {
	var f filler
	plain := string(MustWrite(t, MustHold(t, f.next(5000))))
	dir := t.TempDir()
	var files [2][]byte
	for i, name := range []string{"a.zst", "b.zst"} {
		MustCreate(t, filepath.Join(dir, name), plain, false)
		files[i], _ = os.ReadFile(filepath.Join(dir, name))
	}
	if !bytes.Equal(files[0], files[1]) || len(files[0]) > len(plain)/3 {
		t.Errorf("got %d and %d bytes of %d", len(files[0]), len(files[1]), len(plain))
	}
	in, err := backup.Decompress(bytes.NewReader(files[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); err != nil || string(got) != plain {
		t.Errorf("got %d bytes, %v, want %d", len(got), err, len(plain))
	}
	for what, cut := range map[string]int{"in the middle": len(files[0]) / 2, "before its checksum": len(files[0]) - 4, "near its beginning": 5} {
		in, err := backup.Decompress(bytes.NewReader(files[0][:cut]))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readAll(in); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("cut %s: got %v", what, err)
		}
	}
	in, err = backup.Decompress(io.MultiReader(bytes.NewReader(files[0]), bytes.NewReader(files[1])))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(in); err == nil || !strings.Contains(err.Error(), "something follows") {
		t.Errorf("two files: got %v", err)
	}
}

// TestCompressedFileMayNotAskForMuchMemory refuses a window of 64 MiB.
func TestCompressedFileMayNotAskForMuchMemory(t *testing.T) {
	var file bytes.Buffer
	encoder, err := zstd.NewWriter(&file, zstd.WithWindowSize(64<<20))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encoder.ReadFrom(io.LimitReader(&letters{}, 70<<20)); err != nil {
		t.Fatal(err)
	}
	if err := encoder.Close(); err != nil {
		t.Fatal(err)
	}
	in, err := backup.Decompress(&file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := readAll(in); err == nil || !strings.Contains(err.Error(), "window") {
		t.Errorf("got %v", err)
	}
}
