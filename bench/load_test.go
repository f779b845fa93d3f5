package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLoadCountsWhatEndsWithinTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func() error { time.Sleep(30 * time.Millisecond); return nil }
		fast := func() error { time.Sleep(10 * time.Millisecond); return nil }
		got, err := load(t.Context(), []operation{slow, fast}, 95*time.Millisecond, time.Second, nil)
		if err != nil {
			t.Fatal(err)
		}
		// From 95 to 1095 ms: fast ends at 100, 110, … 1090; slow at 120, 150, … 1080 (1110 is too
		// late).
		if want := 100 + 33; got.Operations != want {
			t.Errorf("got %d operations, want %d", got.Operations, want)
		}
		if got.P50 != 10*time.Millisecond || got.P95 != 30*time.Millisecond || got.P99 != 30*time.Millisecond {
			t.Errorf("got p50 %v, p95 %v, p99 %v, want 10ms, 30ms, 30ms", got.P50, got.P95, got.P99)
		}
		if got.rate() != 133 {
			t.Errorf("got %v/s, want 133", got.rate())
		}
	})
}

func TestLoadMeasuresTheServersCPUWithinTheWindowOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		// a server that keeps one core busy
		cpu := func() time.Duration { return time.Since(begin) }
		op := func() error { time.Sleep(time.Millisecond); return nil }
		got, err := load(t.Context(), []operation{op}, time.Second, 3*time.Second, cpu)
		if err != nil || got.ServerCPU != 3*time.Second {
			t.Errorf("got %v, %v, want 3s", got.ServerCPU, err)
		}
	})
}

func TestOneErrorVoidsALoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken, calls := errors.New("broken"), 0
		good := func() error { time.Sleep(time.Millisecond); return nil }
		bad := func() error {
			if calls++; calls == 50 {
				return broken
			}
			return good()
		}
		begin := time.Now()
		_, err := load(t.Context(), []operation{good, bad, good}, 0, time.Hour, nil)
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "1 of 3 clients") {
			t.Errorf("got %v, want 1 of 3 clients, broken", err)
		}
		if took := time.Since(begin); took > 60*time.Millisecond {
			t.Errorf("went on for %v, want an end with the error after 50ms", took)
		}
	})
}

func TestLoadWithoutAnyAnswerIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		op := func() error { time.Sleep(time.Minute); return nil }
		if got, err := load(t.Context(), []operation{op}, 0, time.Second, nil); err == nil {
			t.Errorf("got %+v, want an error", got)
		}
	})
}

func TestLoadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		op := func() error { time.Sleep(time.Millisecond); return nil }
		begin := time.Now()
		_, err := load(ctx, []operation{op}, 0, time.Hour, nil)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 4*time.Second {
			t.Errorf("got %v after %v, want the context's error after 3s", err, time.Since(begin))
		}
	})
}

// TestAMeasurementLastsUntilSomethingIsAnswered: the first answer comes after the time of the
// measurement.
func TestAMeasurementLastsUntilSomethingIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func() error { time.Sleep(900 * time.Millisecond); return nil }
		got, err := loadLongEnough(t.Context(), []operation{slow}, 0, 300*time.Millisecond, nil)
		if err != nil || got.Operations != 1 || got.Elapsed != 1200*time.Millisecond {
			t.Errorf("got %+v, %v, want one answer in 1.2 s", got, err)
		}
		if _, err := loadLongEnough(t.Context(), []operation{func() error { time.Sleep(time.Minute); return nil }}, 0, time.Second, nil); !errors.Is(err, errNothingAnswered) {
			t.Errorf("got %v, want no answer", err)
		}
	})
}
