package main

import (
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/eventstore/sqlite"
)

// TestRunOfLarge runs the part large with real servers, as briefly as possible.
func TestRunOfLarge(t *testing.T) {
	t.Setenv(postgresVariable, "")
	var stdout, progress strings.Builder
	err := run(t.Context(), []string{
		"-dir", postgresOptions(t).Dir, "-only", "large", "-large-events", "3000", "-large-names", "200", "-rounds", "1", "-duration", "100ms", "-warmup", "10ms",
	}, &stdout, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := stdout.String()
	for _, want := range []string{
		"\n| start until /readyz ", "bytes a name", "\n| page of 100 names ", "\n| history verified ", "\n| backup with zstd ", "\n| restore of the compressed backup ",
		"\n| auto_vacuum ", " with 3000 receipts ", "\n| vacuum (analyze) of the events ", "\n| writes by one client beside it ",
		" for 200 names;",
	} {
		if !strings.Contains(report, want) {
			t.Errorf("the report lacks %q:\n%s", want, report)
		}
	}
	if strings.Contains(report, failed) {
		t.Errorf("something failed:\n%s", report)
	}
}

func TestLargeRunsOnlyWhenItIsNamed(t *testing.T) {
	o, err := parseOptions(nil, &strings.Builder{})
	if err != nil || o.has(partLarge) {
		t.Errorf("got parts %q, %v", o.Parts, err)
	}
}

// TestReadSQLiteFile: pages that receipts had are free after they are removed.
func TestReadSQLiteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "configapi.db")
	var seen []sqliteFile
	for _, do := range []func(*sqlite.Store) error{
		func(s *sqlite.Store) error { return writeReceipts(t.Context(), s, 2000, "first") },
		func(s *sqlite.Store) error { _, err := pruneReceipts(t.Context(), s); return err },
	} {
		if err := withSQLite(t.Context(), path, do); err != nil {
			t.Fatal(err)
		}
		file, err := readSQLiteFile(path)
		if err != nil || file.pages*file.pageSize != fileSize(path) || file.autoVacuum {
			t.Fatalf("got %+v, %v, of a file of %d bytes", file, err, fileSize(path))
		}
		seen = append(seen, file)
	}
	if seen[0].free != 0 || seen[1].free < 50 || seen[1].pages != seen[0].pages {
		t.Errorf("got %+v", seen)
	}
	if _, err := readSQLiteFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there was read")
	}
}
