package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun runs the bench with real servers, as briefly as possible.
func TestRun(t *testing.T) {
	t.Setenv(postgresVariable, "")
	dir := postgresOptions(t).Dir
	out := filepath.Join(t.TempDir(), "report.md")
	var stdout, progress strings.Builder
	err := run(t.Context(), []string{
		"-dir", dir, "-out", out, "-clients", "2", "-rounds", "1", "-duration", "300ms", "-warmup", "10ms",
		"-names", "50", "-start-events", "2000", "-stores", "sqlite,postgres,memory", "-only", "writes,reads,values,start,asof,pages,sets", "-large-value", "100000",
	}, &stdout, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := stdout.String()
	for _, part := range []string{"## Durable writes", "## Reads of one config", "## Large values", "## Start", "## The past", "## Differences, histories", "## Change sets", "| PostgreSQL", "modernc.org/sqlite"} {
		if !strings.Contains(report, part) {
			t.Errorf("the report lacks %q", part)
		}
	}
	rows := strings.Count(report, "\n| writes ") + strings.Count(report, "\n| reads ")
	// etcd; bare, etcd; parts × stores × APIs
	if want := 1 + 2 + 2*3*2; rows != want || strings.Contains(report, failed) {
		t.Errorf("got %d rows of what was measured, want %d, none failed:\n%s", rows, want, report)
	}
	if written, err := os.ReadFile(out); err != nil || string(written) != report {
		t.Errorf("the file differs from what was printed: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestMain lets the test binary run the reference servers, as the bench does.
func TestMain(m *testing.M) {
	if isReference(os.Args[1:]) {
		fmt.Fprintln(os.Stderr, run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
		os.Exit(1)
	}
	os.Exit(m.Run())
}
