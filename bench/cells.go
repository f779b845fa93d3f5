package main

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// rows yields the stores and numbers of clients in the order of the report's tables.
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

// at returns the series of a cell, nil if it was not measured.
func (r *report) at(part, store, by string, clients int) *series {
	return r.Loads[cell{Part: part, Store: store, By: by, Clients: clients}]
}

// cells returns all cells, with those next to each other that are compared.
func (r *report) cells() []cell {
	return slices.SortedFunc(maps.Keys(r.Loads), func(a, b cell) int {
		return cmp.Or(
			-cmp.Compare(a.Part, b.Part), // writes first
			cmp.Compare(a.Clients, b.Clients),
			// references, -1, first
			cmp.Compare(slices.Index(r.Options.Stores, a.Store), slices.Index(r.Options.Stores, b.Store)),
			-cmp.Compare(a.By, b.By), // REST before GraphQL
		)
	})
}

// inOrder returns the cells of some loads that were measured, etcd's first, then by store.
func (r *report) inOrder(measured measurements, loads []string, clients []int) []cell {
	var cells []cell
	for _, load := range loads {
		for _, n := range clients {
			for _, store := range append([]string{""}, r.Options.Stores...) {
				for _, by := range []string{byEtcd, byEtcdMost, byREST, byGraphQL} {
					if at := (cell{load, store, by, n}); measured[at] != nil {
						cells = append(cells, at)
					}
				}
			}
		}
	}
	return cells
}

// Texts of a table where there is no figure.
const (
	notMeasured = "–"
	failed      = "failed"
)

// missing returns why a series has no figure. ok is false if it has one.
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

// rateText returns the throughput of a series.
func rateText(s *series) string {
	if text, ok := missing(s); ok {
		return text
	}
	return fmt.Sprintf("%.0f", medianOf(s.Samples, sample.rate))
}

// timeText returns a percentile of a series in milliseconds. Some loads are not timed.
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

// costText returns the CPU time per request or delivery in microseconds.
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

// compared returns the ratio of a property to a reference, its range over the rounds, and the
// verdict.
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

// inTime returns whether the p95 of all series are below a limit, as the report says it.
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
