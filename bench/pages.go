package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// pagesSeries are the reads of differences, histories and children on a store, or the error of the
// measurement.
type pagesSeries struct {
	Store         string
	Events, Names int
	Reads         []pagesRead
	Err           error
}

// pagesRead is how long one kind of read took, each time.
type pagesRead struct {
	What  string
	Limit time.Duration // the aim for all but one in 20
	Times []time.Duration
}

// Numbers of events between near moments.
const near, lessNear = 100, 10_000

// measurePages reads differences, the history of the first name, and children, from one server.
func measurePages(ctx context.Context, r *rig, h history, progress io.Writer) ([]pagesRead, error) {
	server, err := r.startConfigapi(ctx, h.store, h.url)
	if err != nil {
		return nil, err
	}
	defer stop(server.Process)
	if err := awaitVerified(ctx, server, r.options.Events, verifyPatience); err != nil {
		return nil, err
	}
	client, err := dialLean(server.Address, time.Now().Add(time.Duration(r.options.Rounds)*patience))
	if err != nil {
		return nil, err
	}
	defer closeWith(ctx, client)()
	p, err := newPager(client, server.Address, r.options)
	if err != nil {
		return nil, err
	}
	var reads []pagesRead
	for _, kind := range []struct {
		what  string
		limit time.Duration
		read  func() ([]time.Duration, error)
	}{
		{fmt.Sprintf("difference of %d events, a page of %d with the changes between", near, diffPage), nearAim,
			func() ([]time.Duration, error) { return p.near(near) }},
		{fmt.Sprintf("difference of %d events, any such page", lessNear), nearAim,
			func() ([]time.Duration, error) { return p.near(lessNear) }},
		{"difference of the two ends, all", endsAim, func() ([]time.Duration, error) { return p.between(1, p.options.Events) }},
		{"difference of 10 % and 90 %, all", endsAim, func() ([]time.Duration, error) { return p.between(p.options.Events/10, p.options.Events/10*9) }},
		{fmt.Sprintf("history of a name with %d revisions, any page of %d", p.busy, historyPage), historyPageAim, p.history},
		{fmt.Sprintf("children of any prefix, any page of %d", childrenPage), childrenAim, p.children},
	} {
		read := pagesRead{What: kind.what, Limit: kind.limit}
		for range r.options.Rounds {
			times, err := kind.read()
			if err != nil {
				return nil, fmt.Errorf("reading the %s: %w", kind.what, err)
			}
			read.Times = append(read.Times, times...)
		}
		reads = append(reads, read)
		fmt.Fprintf(progress, "pages  %-8s %s: %s\n", h.store, read.What, milliseconds(median(read.Times)))
	}
	return reads, nil
}
