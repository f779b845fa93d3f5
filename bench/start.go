package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"
)

// startSeries is how long configapi took to start on a store, once per round, or the error of the
// measurement.
type startSeries struct {
	Store         string
	Events, Names int
	Starts        []oneStart
	Err           error
}

// oneStart is what a start took until /readyz answered 200.
type oneStart struct {
	Time time.Duration // since the program was started
	CPU  time.Duration // of configapi only, since PostgreSQL's processes end with their connections
}

func startTime(s oneStart) time.Duration { return s.Time }
func startCPU(s oneStart) time.Duration  { return s.CPU }

// history is a long history in a store.
type history struct{ store, url string }

// measureHistories creates a long history in each durable store, and measures starts of configapi,
// reads and change sets. The history is in the page cache, since it has just been written: this
// does not measure the disk.
func measureHistories(ctx context.Context, r *rig, result *report, progress io.Writer) (err error) {
	var histories []history
	for _, store := range r.options.Stores {
		if store == storeMemory {
			continue
		}
		url, err := r.newHistory(ctx, store, progress)
		if err == nil {
			histories = append(histories, history{store, url})
		}
		result.measureHistory(ctx, r, history{store, url}, err, progress)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if r.options.has(partSets) {
		result.Sets, err = measureSets(ctx, r, histories, progress) // last, since it adds to them
	}
	return err
}

// measureHistory measures what is measured of a single history, which could not be written if err
// is not nil.
func (r *report) measureHistory(ctx context.Context, on *rig, h history, err error, progress io.Writer) {
	o := r.Options
	start := startSeries{Store: h.store, Events: o.Events, Names: o.Names, Err: err}
	past := pastSeries{Store: h.store, Events: o.Events, Names: o.Names, Err: err}
	pages := pagesSeries{Store: h.store, Events: o.Events, Names: o.Names, Err: err}
	if o.has(partStart) {
		if err == nil {
			start.Starts, start.Err = measureStart(ctx, on, h.store, h.url, progress)
		}
		r.Starts = append(r.Starts, start)
	}
	if o.has(partAsOf) {
		if err == nil {
			past.Moments, past.Err = measurePast(ctx, on, h.store, h.url, progress)
		}
		r.Pasts = append(r.Pasts, past)
	}
	if o.has(partPages) {
		if err == nil {
			pages.Reads, pages.Err = measurePages(ctx, on, h, progress)
		}
		r.Pages = append(r.Pages, pages)
	}
	if err := cmp.Or(start.Err, past.Err, pages.Err); err != nil {
		fmt.Fprintf(progress, "history %-8s FAILED: %v\n", h.store, err)
	}
}

// newHistory creates a long history in a new store, and returns its URL for configapi.
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
