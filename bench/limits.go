package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"configapi/test/reports"
)

// limitRow is a path through the server beside what bounds it on this machine.
type limitRow struct {
	Path, Limit, Unit string
	Ours, Bound       []float64 // one per round
	Err               error
}

// reached returns the part of the limit that the path reaches, 1 for all of it.
func (l limitRow) reached() spread {
	ratios := make([]float64, len(l.Ours))
	for i := range l.Ours {
		ratios[i] = l.Bound[i] / l.Ours[i]
	}
	return spreadOf(ratios)
}

// probe takes one figure.
type probe func(context.Context) (float64, error)

// limitPath is how a row is measured.
type limitPath struct {
	path, limit, unit string
	ours, bound       probe
}

const (
	limitWindow = 500 * time.Millisecond // the longest measurement of a path under load
	limitWarmUp = 100 * time.Millisecond
	// manyClients is the number of clients with which the processors are the limit.
	manyClients = 64
)

// measureLimits measures each path next to its limit, round by round.
func measureLimits(ctx context.Context, r *rig, progress io.Writer) ([]limitRow, error) {
	defer r.closeTo(len(r.undo))
	paths, err := r.limitPaths(ctx)
	if err != nil {
		return nil, err
	}
	rows := make([]limitRow, len(paths))
	for i, p := range paths {
		rows[i] = limitRow{Path: p.path, Limit: p.limit, Unit: p.unit}
	}
	for range r.options.Rounds {
		for i, p := range paths {
			row := &rows[i]
			if row.Err != nil {
				continue
			}
			if row.Err = row.take(ctx, p); ctx.Err() != nil {
				return rows, ctx.Err()
			}
			if row.Err != nil {
				fmt.Fprintf(progress, "limits %-48s FAILED: %v\n", p.path, row.Err)
				continue
			}
			fmt.Fprintf(progress, "limits %-48s %.3g %s, limit %.3g\n", p.path, row.Ours, p.unit, row.Bound)
		}
	}
	return rows, nil
}

// take adds one figure of the path, and one of its limit.
func (l *limitRow) take(ctx context.Context, p limitPath) error {
	bound, err := p.bound(ctx)
	if err != nil {
		return fmt.Errorf("measuring the limit: %w", err)
	}
	ours, err := p.ours(ctx)
	if err != nil {
		return err
	}
	if ours > 0 && bound > 0 { // CPU time comes in steps of 10 ms
		l.Ours, l.Bound = append(l.Ours, ours), append(l.Bound, bound)
	}
	return nil
}

// writeLimits writes a table of the paths and their limits.
func (r *report) writeLimits(doc *document) {
	t := reports.Table{Head: []string{"path", "measured", "limit", "what it is", "part reached", "rounds"}}
	for _, l := range r.Limits {
		if l.Err != nil {
			t.Add(l.Path, failed, notMeasured, l.Limit, failed, notMeasured)
			continue
		}
		if len(l.Ours) == 0 {
			t.Add(l.Path, notMeasured, notMeasured, l.Limit, notMeasured, notMeasured)
			continue
		}
		s := l.reached()
		t.Add(l.Path, l.figure(l.Ours), l.figure(l.Bound), l.Limit, fmt.Sprintf("%.2f", s.Median), fmt.Sprintf("[%.2f … %.2f]", s.Min, s.Max))
	}
	doc.line("## What is the limit")
	doc.line(fmt.Sprintf("Each path next to what bounds it on this machine, taken in the same round; values have %d bytes. "+
		"With one client it is waiting, for the loopback, the disk, PostgreSQL: figures are p50. With %d clients it is the processors: figures are the server's CPU for a request.",
		r.Options.Size, manyClients))
	doc.table(t)
}

// figure returns the median as text.
func (l limitRow) figure(values []float64) string {
	m := median(values)
	if m >= 100 {
		return fmt.Sprintf("%.0f %s", m, l.Unit)
	}
	return fmt.Sprintf("%.3g %s", m, l.Unit)
}
