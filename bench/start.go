package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
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

// measureHistories makes a long history in each durable store and measures what is asked for of it: starts of configapi, and
// reads of the past. The history has just been written, so it is in the page cache: this measures work, not the disk.
func measureHistories(ctx context.Context, r *rig, progress io.Writer) (starts []startSeries, pasts []pastSeries, err error) {
	for _, store := range r.options.Stores {
		if store == storeMemory {
			continue
		}
		start := startSeries{Store: store, Events: r.options.Events, Names: r.options.Names}
		past := pastSeries{Store: store, Events: r.options.Events, Names: r.options.Names}
		url, err := r.newHistory(ctx, store, progress)
		if start.Err = err; err == nil && r.options.has(partStart) {
			start.Starts, start.Err = measureStart(ctx, r, store, url, progress)
		}
		if past.Err = err; err == nil && r.options.has(partAsOf) {
			past.Moments, past.Err = measurePast(ctx, r, store, url, progress)
		}
		if err := ctx.Err(); err != nil {
			return starts, pasts, err
		}
		if err := cmp.Or(start.Err, past.Err); err != nil {
			fmt.Fprintf(progress, "history %-8s FAILED: %v\n", store, err)
		}
		if r.options.has(partStart) {
			starts = append(starts, start)
		}
		if r.options.has(partAsOf) {
			pasts = append(pasts, past)
		}
	}
	return starts, pasts, nil
}

// newHistory makes a long history in a new store and returns how configapi is told of it.
func (r *rig) newHistory(ctx context.Context, store string, progress io.Writer) (url string, err error) {
	if url, err = r.newStore(ctx, store, "start"); err != nil {
		return "", err
	}
	begin := time.Now()
	if err := writeHistoryTo(ctx, store, url, r.options); err != nil {
		return "", fmt.Errorf("writing a history: %w", err)
	}
	fmt.Fprintf(progress, "history %-8s %d events written in %s\n", store, r.options.Events, seconds(time.Since(begin)))
	return url, nil
}

// measureStart starts configapi on a history, once per round.
func measureStart(ctx context.Context, r *rig, store, url string, progress io.Writer) ([]oneStart, error) {
	var starts []oneStart
	for range r.options.Rounds {
		server, err := r.startConfigapi(ctx, store, url)
		if err != nil {
			return nil, err
		}
		used := server.CPU()
		stop(server.Process)
		starts = append(starts, oneStart{Time: server.Started, CPU: used})
		fmt.Fprintf(progress, "start  %-8s ready in %s\n", store, seconds(server.Started))
	}
	return starts, nil
}
