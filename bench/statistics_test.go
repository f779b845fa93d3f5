package main

import (
	"testing"
	"time"
)

func TestMedianIsAMeasuredValueAndLeavesItsInputAlone(t *testing.T) {
	values := []float64{3, 1, 4, 2}
	if got := median(values); got != 2 {
		t.Errorf("got %v, want 2", got)
	}
	if values[0] != 3 {
		t.Errorf("values were sorted in place: %v", values)
	}
}

// at makes samples with these rates.
func samples(rates ...int) []sample {
	var all []sample
	for _, rate := range rates {
		all = append(all, sample{Operations: 2 * rate, Elapsed: 2 * time.Second})
	}
	return all
}

func TestRatioComparesRoundByRound(t *testing.T) {
	// The machine was half as fast in the second round and twice as fast in the third; the ratio has not changed.
	got, ok := ratio(samples(80, 40, 160), samples(100, 50, 200), sample.rate)
	if want := (spread{Median: 0.8, Min: 0.8, Max: 0.8}); !ok || got != want {
		t.Errorf("got %v %v, want %v", got, ok, want)
	}
	got, _ = ratio(samples(50, 100, 200), samples(100, 100, 100), sample.rate)
	if want := (spread{Median: 1, Min: 0.5, Max: 2}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestRatioOfUnequalSeriesIsNone(t *testing.T) {
	for _, reference := range [][]sample{nil, samples(1)} {
		if got, ok := ratio(samples(1, 2), reference, sample.rate); ok {
			t.Errorf("got %v of %d samples to %d, want none", got, 2, len(reference))
		}
	}
	if _, ok := ratio(nil, nil, sample.rate); ok {
		t.Error("got a ratio of nothing")
	}
}
