package main

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// rows are the stores and counts of clients, as the report's tables list them.
func (r *report) rows() iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for _, store := range r.Options.Stores {
			for _, clients := range r.Options.Clients {
				if !yield(store, clients) {
					return
				}
			}
		}
	}
}

// at is a cell's series, nil when it was not measured.
func (r *report) at(part, store, by string, clients int) *series {
	return r.Loads[cell{Part: part, Store: store, By: by, Clients: clients}]
}

// cells are all cells, in an order that puts next to each other what is compared.
func (r *report) cells() []cell {
	return slices.SortedFunc(maps.Keys(r.Loads), func(a, b cell) int {
		return cmp.Or(
			-cmp.Compare(a.Part, b.Part), // writes first
			cmp.Compare(a.Clients, b.Clients),
			cmp.Compare(slices.Index(r.Options.Stores, a.Store), slices.Index(r.Options.Stores, b.Store)), // references, -1, first
			-cmp.Compare(a.By, b.By), // REST before GraphQL
		)
	})
}

// What a table shows in place of a figure that there is not.
const (
	notMeasured = "–"
	failed      = "failed"
)

// missing says why a series has no figure; ok is false when it has one.
func missing(s *series) (text string, ok bool) {
	switch {
	case s == nil:
		return notMeasured, true
	case s.Err != nil:
		return failed, true
	default:
		return "", false
	}
}

// rateText is a series' throughput.
func rateText(s *series) string {
	if text, ok := missing(s); ok {
		return text
	}
	return fmt.Sprintf("%.0f", medianOf(s.Samples, sample.rate))
}

// timeText is one of a series' percentiles, in milliseconds. Loads that take no times have none.
func timeText(s *series, percentile func(sample) time.Duration) string {
	if text, ok := missing(s); ok {
		return text
	}
	if medianOf(s.Samples, p99) == 0 {
		return notMeasured
	}
	return milliseconds(medianOf(s.Samples, percentile))
}

func p50(s sample) time.Duration { return s.P50 }
func p95(s sample) time.Duration { return s.P95 }
func p99(s sample) time.Duration { return s.P99 }

// costText is CPU time per request or delivery, in microseconds.
func costText(s *series, cost func(sample) float64) string {
	if text, ok := missing(s); ok {
		return text
	}
	microseconds := medianOf(s.Samples, cost)
	if microseconds == 0 {
		return notMeasured
	}
	return fmt.Sprintf("%.1f", microseconds)
}

// compared is the ratio of a property, the range of its rounds, and what a verdict says of it.
func compared(ours, reference *series, of func(sample) float64, verdict func(ratio float64) string) (ratioText, rounds, reached string) {
	for _, s := range []*series{ours, reference} {
		if text, ok := missing(s); ok {
			return text, notMeasured, text
		}
	}
	s, ok := ratio(ours.Samples, reference.Samples, of)
	if !ok {
		return notMeasured, notMeasured, notMeasured
	}
	return fmt.Sprintf("%.2f", s.Median), fmt.Sprintf("[%.2f … %.2f]", s.Min, s.Max), verdict(s.Median)
}

// inTime says whether the p95 of all series are below a limit.
func inTime(limit time.Duration, all ...*series) string {
	var slowest time.Duration
	for _, s := range all {
		if text, ok := missing(s); ok {
			return text
		}
		slowest = max(slowest, medianOf(s.Samples, p95))
	}
	return withinTime(slowest, limit)
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000) }
func seconds(d time.Duration) string      { return fmt.Sprintf("%.2f s", d.Seconds()) }
