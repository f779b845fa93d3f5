package main

import (
	"strings"
	"testing"
)

// TestRunOfLimits runs the part limits with real servers, as briefly as possible.
func TestRunOfLimits(t *testing.T) {
	t.Setenv(postgresVariable, "")
	var stdout, progress strings.Builder
	err := run(t.Context(), []string{
		"-dir", postgresOptions(t).Dir, "-only", "limits", "-rounds", "1", "-duration", "500ms", "-warmup", "10ms", "-names", "50",
	}, &stdout, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	report := stdout.String()
	for _, path := range []string{"REST read", "GraphQL read", "REST write", "set of", "delivery", "start with 50 names"} {
		if !strings.Contains(report, "\n| "+path) {
			t.Errorf("the report lacks %q:\n%s", path, report)
		}
	}
	if strings.Contains(report, failed) {
		t.Errorf("something failed:\n%s", report)
	}
}

func TestPartOfALimitIsItsMedianOverTheRounds(t *testing.T) {
	got := limitRow{Ours: []float64{4, 10, 3}, Bound: []float64{2, 2, 3}}.reached()
	if want := (spread{Median: 0.5, Min: 0.2, Max: 1}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestFloorsTakeTime(t *testing.T) {
	f := floors{rig: newTestRig(t, testOptions(t))}
	if err := f.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took, err := f.disk(blockBytes)(t.Context()); err != nil || took <= 0 {
		t.Errorf("got %v ms for the disk, %v", took, err)
	}
	if cost, err := f.write(t.Context()); err != nil || cost <= 0 {
		t.Errorf("got %v µs for a write, %v", cost, err)
	}
	calls := 0
	if _, err := repeated(t.Context(), func() error { calls++; return nil }); err != nil || calls < floorLeast {
		t.Errorf("%d calls, %v", calls, err)
	}
}
