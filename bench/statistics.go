package main

import (
	"cmp"
	"slices"
	"time"

	"configapi/test/reports"
)

// median returns the middle value, or the lower of the two, so that it is always a measured value.
// values must not be empty.
func median[T cmp.Ordered](values []T) T {
	return reports.Percentile(slices.Sorted(slices.Values(values)), 50)
}

// total returns the sum of durations.
func total(all []time.Duration) (sum time.Duration) {
	for _, d := range all {
		sum += d
	}
	return sum
}

// medianOf returns the median of one property.
func medianOf[S any, T cmp.Ordered](measured []S, property func(S) T) T {
	return median(each(measured, property))
}

// each returns one property of all elements.
func each[S, T any](measured []S, property func(S) T) []T {
	values := make([]T, len(measured))
	for i, m := range measured {
		values[i] = property(m)
	}
	return values
}

// spread is a ratio over all rounds.
type spread struct{ Median, Min, Max float64 }

// ratio compares a property round by round: the two samples of a round were taken next to each
// other, so the machine's drift affects both. ok is false if there are no samples, or not the same
// number of both.
func ratio(ours, reference []sample, of func(sample) float64) (s spread, ok bool) {
	if len(ours) == 0 || len(ours) != len(reference) {
		return spread{}, false
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = of(ours[i]) / of(reference[i])
	}
	return spreadOf(ratios), true
}

// spreadOf returns the median and the range of ratios, of which there must be one at least.
func spreadOf(ratios []float64) spread {
	return spread{Median: median(ratios), Min: slices.Min(ratios), Max: slices.Max(ratios)}
}
