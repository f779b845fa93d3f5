package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"configapi/test/reports"
)

// operation sends one request and checks the answer. It is called by one goroutine at a time.
type operation func() error

// sample is the result of one measurement.
type sample struct {
	Operations    int           // answered within the measurement; of change sets: their changes
	Elapsed       time.Duration // duration of the measurement
	P50, P95, P99 time.Duration // from before the request was sent until the answer was checked
	ServerCPU     time.Duration // CPU time of the server's processes
	ClientCPU     time.Duration // CPU time of this process
}

// rate returns the operations per second.
func (s sample) rate() float64 { return float64(s.Operations) / s.Elapsed.Seconds() }

// serverCost returns the server's CPU time per operation, in microseconds.
func (s sample) serverCost() float64 {
	return float64(s.ServerCPU) / float64(time.Microsecond) / float64(s.Operations)
}

// clientCost returns this process's CPU time per operation, in microseconds.
func (s sample) clientCost() float64 {
	return float64(s.ClientCPU) / float64(time.Microsecond) / float64(s.Operations)
}

// window is the time that counts: operations that end before from are warm-up, those that end after
// until are left out.
type window struct{ from, until time.Time }

// errNothingAnswered says that a measurement was too short for the server.
var errNothingAnswered = errors.New("nothing was answered in time")

// loadLongEnough measures for four times as long, again and again, while nothing is answered in
// time: on a machine that others use, a disk may stand still for longer than a measurement.
func loadLongEnough(ctx context.Context, operations []operation, warmUp, duration time.Duration, serverCPU func() time.Duration) (sample, error) {
	for {
		taken, err := load(ctx, operations, warmUp, duration, serverCPU)
		if duration *= 4; !errors.Is(err, errNothingAnswered) || duration > stall {
			return taken, err
		}
	}
}

// load repeats each operation in its own goroutine, in a closed loop: each request follows the
// answer to the one before. It measures what is answered after the warm-up. Any error voids the
// measurement. serverCPU may be nil.
func load(ctx context.Context, operations []operation, warmUp, duration time.Duration, serverCPU func() time.Duration) (sample, error) {
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	from := time.Now().Add(warmUp)
	w := window{from: from, until: from.Add(duration)}
	latencies := make([][]time.Duration, len(operations))
	failures := make([]error, len(operations))
	var workers sync.WaitGroup
	for i, op := range operations {
		workers.Go(func() {
			if latencies[i], failures[i] = repeat(running, op, w); failures[i] != nil {
				cancel()
			}
		})
	}
	usedServer, usedClient := cpuWithin(running, w, serverCPU)
	workers.Wait()

	if err := voided(failures); err != nil {
		return sample{}, err
	}
	if err := ctx.Err(); err != nil {
		return sample{}, err
	}
	all := slices.Concat(latencies...)
	if len(all) == 0 {
		return sample{}, errNothingAnswered
	}
	slices.Sort(all)
	return sample{
		Operations: len(all),
		Elapsed:    duration,
		P50:        reports.Percentile(all, 50),
		P95:        reports.Percentile(all, 95),
		P99:        reports.Percentile(all, 99),
		ServerCPU:  usedServer,
		ClientCPU:  usedClient,
	}, nil
}

// repeat runs op until the window ends, and returns the latencies within it.
func repeat(ctx context.Context, op operation, w window) ([]time.Duration, error) {
	latencies := make([]time.Duration, 0, 4096)
	for begin := time.Now(); begin.Before(w.until) && ctx.Err() == nil; {
		if err := op(); err != nil {
			return latencies, err
		}
		end := time.Now()
		if !end.Before(w.from) && end.Before(w.until) {
			latencies = append(latencies, end.Sub(begin))
		}
		begin = end
	}
	return latencies, nil
}

// cpuWithin waits for the end of the window, and returns the CPU time that the server and this
// process used in it.
func cpuWithin(ctx context.Context, w window, serverCPU func() time.Duration) (server, client time.Duration) {
	if serverCPU == nil {
		serverCPU = func() time.Duration { return 0 }
	}
	waitUntil(ctx, w.from)
	server, client = serverCPU(), ownCPU()
	waitUntil(ctx, w.until)
	return serverCPU() - server, ownCPU() - client
}

// waitUntil returns at an instant, or when ctx ends.
func waitUntil(ctx context.Context, t time.Time) {
	ctx, cancel := context.WithDeadline(ctx, t)
	defer cancel()
	<-ctx.Done()
}

// voided joins the errors of all workers: how many failed, and the first reason.
func voided(failures []error) error {
	failed := slices.DeleteFunc(slices.Clone(failures), func(err error) bool { return err == nil })
	if len(failed) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d clients failed, the first with: %w", len(failed), len(failures), failed[0])
}
