package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"configapi/test/reports"
)

const (
	// loadValues is the load of writes of large values.
	loadValues = "values"
	// largeNames is the number of names that they are written to.
	largeNames = 64
	// defaultLargeValue is the longest value that configapi takes by default. etcd takes requests
	// of 1.5 MiB by default.
	defaultLargeValue = 1 << 20
)

// valueClients are the numbers of clients that write large values.
var valueClients = []int{1, 4, 16}

// largeWindow is the longest measurement of writes of large values, since all of them stay on the
// disk.
const largeWindow = time.Second

// measureValues measures writes of large values, while etcd takes its turns with puts of as many
// bytes. Each number of clients has new servers, so that the disk does not fill up.
func measureValues(ctx context.Context, r *rig, progress io.Writer) (measurements, error) {
	o := r.options
	o.Size, o.Names, o.Duration = o.LargeValue, min(o.Names, largeNames), min(o.Duration, largeWindow)
	all := measurements{}
	for _, clients := range valueClients {
		if err := all.addValues(ctx, r, o, clients, progress); err != nil {
			return all, err
		}
	}
	return all, nil
}

// addValues measures with so many clients, and removes all that was written.
func (m measurements) addValues(ctx context.Context, r *rig, o options, clients int, progress io.Writer) error {
	defer r.closeTo(len(r.undo))
	etcd, err := r.startEtcd(ctx, partValues, o)
	if err != nil {
		return err
	}
	contenders := []contender{etcd}
	for _, store := range o.Stores {
		ours, err := r.startOurs(ctx, store, partValues, o)
		if err != nil {
			return err
		}
		contenders = append(contenders, ours...)
	}
	for _, c := range contenders {
		c.connect[loadValues] = c.connect[partWrites]
	}
	return m.takeTurns(ctx, o, loadValues, clients, contenders, progress)
}

// valueCells returns all cells of large values, with those next to each other that are compared.
func (r *report) valueCells() []cell {
	return r.inOrder(r.Values, []string{loadValues}, valueClients)
}

// writeValues writes a table of writes of large values.
func (r *report) writeValues(doc *document) {
	t := reports.Table{Head: []string{"store", "by", "clients", "/s", "MB/s", "etcd's /s", "etcd's MB/s", "÷ etcd", "rounds", "reached 1.00",
		"p50", "p95", "server CPU ms", "etcd's"}}
	for _, clients := range valueClients {
		etcd := r.Values[cell{loadValues, "", byEtcd, clients}]
		for _, store := range r.Options.Stores {
			for _, by := range []string{byREST, byGraphQL} {
				s := r.Values[cell{loadValues, store, by, clients}]
				ratio, rounds, reached := compared(s, etcd, sample.rate, valuesAim.verdict)
				t.Add(store, by, fmt.Sprint(clients), rateText(s), r.throughput(s), rateText(etcd), r.throughput(etcd), ratio, rounds, reached,
					timeText(s, p50), timeText(s, p95), costText(s, inMilliseconds), costText(etcd, inMilliseconds))
			}
		}
	}
	doc.line("## Large values")
	doc.line(fmt.Sprintf("Writes of values of %d bytes, which do not compress, to %d names; etcd takes requests of 1.5 MiB by default. CPU is for each write.",
		r.Options.LargeValue, min(largeNames, r.Options.Names)))
	doc.table(t)
}

// inMilliseconds returns the server's CPU time per operation, in milliseconds.
func inMilliseconds(s sample) float64 { return s.serverCost() / 1000 }

// throughput returns the bytes of values that a series writes a second.
func (r *report) throughput(s *series) string {
	if text, ok := missing(s); ok {
		return text
	}
	return fmt.Sprintf("%.0f", medianOf(s.Samples, sample.rate)*float64(r.Options.LargeValue)/1e6)
}
