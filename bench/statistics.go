package main

import (
	"cmp"
	"slices"

	"configapi/test/reports"
)

// median returns the middle value; of an even number the lower of the two in the middle, so that it is always a
// value that was measured. values must not be empty.
func median[T cmp.Ordered](values []T) T {
	return reports.Percentile(slices.Sorted(slices.Values(values)), 50)
}

// medianOf is the median of one property of what was measured.
func medianOf[S any, T cmp.Ordered](measured []S, property func(S) T) T {
	return median(each(measured, property))
}

// each is one property of all that was measured.
func each[S, T any](measured []S, property func(S) T) []T {
	values := make([]T, len(measured))
	for i, m := range measured {
		values[i] = property(m)
	}
	return values
}

// spread is a ratio over all rounds.
type spread struct{ Median, Min, Max float64 }

// ratio compares a property round by round, since the two samples of a round were taken next to each other and a
// machine's drift hits both. ok is false when a side has no samples or the sides have different numbers of them.
func ratio(ours, reference []sample, of func(sample) float64) (s spread, ok bool) {
	if len(ours) == 0 || len(ours) != len(reference) {
		return spread{}, false
	}
	ratios := make([]float64, len(ours))
	for i := range ours {
		ratios[i] = of(ours[i]) / of(reference[i])
	}
	return spread{Median: median(ratios), Min: slices.Min(ratios), Max: slices.Max(ratios)}, true
}
