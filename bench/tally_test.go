package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestTallyWaitsForTheSlowestSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := newTally(2)
		first, second := tally.announce(), tally.announce()
		done := make(chan error, 1)
		go func() { done <- tally.awaitBehind(t.Context(), 0) }()
		for _, change := range []int{first, second, first} {
			if err := tally.deliver(change, int64(change+1), time.Now()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if len(done) > 0 {
				t.Fatalf("the waiting has ended: %v", <-done)
			}
		}
		if err := tally.awaitBehind(t.Context(), 1); err != nil { // one may be missing
			t.Error(err)
		}
		if err := tally.deliver(second, 2, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || tally.delivered() != 4 {
			t.Errorf("got %v after %d deliveries", err, tally.delivered())
		}
	})
}

func TestTallyRefusesWhatMustNotBeDelivered(t *testing.T) {
	tally := newTally(2)
	change := tally.announce()
	for _, test := range []struct {
		change int
		as     int64
		fails  bool
	}{{change, 7, false}, {change, 8, true}, {change + 1, 8, true}, {change, 7, false}, {change, 7, true}} {
		if err := tally.deliver(test.change, test.as, time.Now()); (err != nil) != test.fails {
			t.Errorf("change %d as revision %d: got %v", test.change, test.as, err)
		}
	}
}

func TestTallyWaitsNoLongerThanItMakesSense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tally := newTally(1)
		tally.announce()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := tally.awaitBehind(ctx, 0); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 of 1 changes") {
			t.Errorf("got %v, want the deadline and what is missing", err)
		}
		broken := errors.New("broken")
		time.AfterFunc(time.Second, func() { tally.fail(broken) })
		if err := tally.awaitBehind(t.Context(), 0); err != broken {
			t.Errorf("got %v, want %v", err, broken)
		}
	})
}

func TestDelaysBeginWithTheAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const ms = time.Millisecond
		tally := newTally(3)
		old := tally.announce()
		for range 3 {
			if err := tally.deliver(old, 1, time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		tally.reset(3)
		change := tally.announce()
		for i := range 3 { // the first delivery is before the acknowledgement
			if err := tally.deliver(change, 2, time.Now()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * ms)
			if i == 0 {
				tally.acknowledge(change)
				time.Sleep(2 * ms)
			}
		}
		if got, want := tally.delays(), []time.Duration{0, 2 * ms, 7 * ms}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		tally.reset(0)
		if err := tally.deliver(tally.announce(), 3, time.Now()); err != nil || tally.delivered() != 1 || len(tally.delays()) != 0 {
			t.Errorf("got %v, %d deliveries, times %v, want one without a time", err, tally.delivered(), tally.delays())
		}
	})
}
