package main

import (
	"context"
	"fmt"
	"io"
	"syscall"
	"time"
)

// startSeries is how long configapi took to start on a store, once per round, or the error that voided it.
type startSeries struct {
	Store         string
	Events, Names int
	Starts        []oneStart
	Err           error
}

// oneStart is what one start took until /readyz said 200.
type oneStart struct {
	Time time.Duration // since the program was started
	CPU  time.Duration // of configapi alone: what PostgreSQL's processes took is gone when they end
}

func startTime(s oneStart) time.Duration { return s.Time }
func startCPU(s oneStart) time.Duration  { return s.CPU }

// measureStarts makes a long history in each durable store and starts configapi on it, once per round. The history
// has just been written, so it is in the page cache: this measures the work of starting, not the disk.
func measureStarts(ctx context.Context, r *rig, progress io.Writer) ([]startSeries, error) {
	var all []startSeries
	for _, store := range r.options.Stores {
		if store == storeMemory {
			continue
		}
		s := startSeries{Store: store, Events: r.options.Events, Names: r.options.Names}
		s.Starts, s.Err = measureStart(ctx, r, store, progress)
		if err := ctx.Err(); err != nil {
			return all, err
		}
		if s.Err != nil {
			fmt.Fprintf(progress, "start  %-8s FAILED: %v\n", store, s.Err)
		}
		all = append(all, s)
	}
	return all, nil
}

func measureStart(ctx context.Context, r *rig, store string, progress io.Writer) ([]oneStart, error) {
	url, err := r.newStore(ctx, store, "start")
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	if err := writeHistoryTo(ctx, store, url, r.options); err != nil {
		return nil, fmt.Errorf("writing a history: %w", err)
	}
	fmt.Fprintf(progress, "start  %-8s %d events written in %s\n", store, r.options.Events, seconds(time.Since(begin)))
	var starts []oneStart
	for range r.options.Rounds {
		server, err := r.startConfigapi(ctx, store, url)
		if err != nil {
			return nil, err
		}
		used := cpuOf(server.pid())
		server.stop(syscall.SIGTERM)
		starts = append(starts, oneStart{Time: server.started, CPU: used})
		fmt.Fprintf(progress, "start  %-8s ready in %s\n", store, seconds(server.started))
	}
	return starts, nil
}
