package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	asOfPage      = 100 // names of a page that is timed
	asOfLargePage = 500 // names of the largest page
)

// asOfPercents are the instants that are read, in percent of the history.
var asOfPercents = []int{10, 50, 90}

// pastSeries are the reads of the past on a store, or the error of the measurement.
type pastSeries struct {
	Store         string
	Events, Names int
	Moments       []pastMoment
	Err           error
}

// pastMoment is how long it took to read all names as of one instant.
type pastMoment struct {
	Percent         int           // of the history before the instant
	Median, Slowest time.Duration // of the pages of asOfPage
	All             time.Duration // all names, in pages of asOfLargePage
}

// measurePast reads all names of a history as of several instants.
func measurePast(ctx context.Context, r *rig, store, url string, progress io.Writer) ([]pastMoment, error) {
	server, err := r.startConfigapi(ctx, store, url)
	if err != nil {
		return nil, err
	}
	defer stop(server.Process)
	client, err := dialLean(server.Address, time.Now().Add(patience))
	if err != nil {
		return nil, err
	}
	defer closeWith(ctx, client)()
	p, err := newPager(client, server.Address, r.options)
	if err != nil {
		return nil, err
	}
	var moments []pastMoment
	for _, percent := range asOfPercents {
		m, err := p.moment(percent)
		if err != nil {
			return nil, fmt.Errorf("reading the moment at %d %%: %w", percent, err)
		}
		moments = append(moments, m)
		fmt.Fprintf(progress, "asof   %-8s %2d %%: pages up to %s, all in %s\n", store, percent, milliseconds(m.Slowest), seconds(m.All))
	}
	return moments, nil
}

// moment reads all names as of the instant at so many percent of the history.
func (p *pager) moment(percent int) (pastMoment, error) {
	event := max(p.options.Events*percent/100, 1)
	pages, err := p.asOf(event, asOfPage)
	if err != nil {
		return pastMoment{}, err
	}
	large, err := p.asOf(event, asOfLargePage)
	if err != nil {
		return pastMoment{}, err
	}
	return pastMoment{Percent: percent, Median: median(pages), Slowest: slices.Max(pages), All: total(large)}, nil
}

// asOf reads all configs as of the instant of an event, in pages of so many.
func (p *pager) asOf(event, first int) ([]time.Duration, error) {
	pages, names, err := p.all(asOfDocument, map[string]any{"t": p.at(event), "n": first})
	want := min(event, p.names) // the history begins with one event per name
	if err == nil && names != want {
		err = fmt.Errorf("got %d configs, want %d", names, want)
	}
	return pages, err
}
