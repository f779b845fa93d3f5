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
	reader := pastReader{asker: asker{client: client, host: server.Address}, names: r.options.Names}

	var moments []pastMoment
	for _, percent := range asOfPercents {
		m, err := reader.moment(percent, r.options.Events)
		if err != nil {
			return nil, fmt.Errorf("reading the moment at %d %%: %w", percent, err)
		}
		moments = append(moments, m)
		fmt.Fprintf(progress, "asof   %-8s %2d %%: pages up to %s, all in %s\n", store, percent, milliseconds(m.Slowest), seconds(m.All))
	}
	return moments, nil
}

// pastReader reads configs as of an instant over GraphQL.
type pastReader struct {
	asker
	names int // in the history
}

// moment reads all names as of the instant of an event.
func (p *pastReader) moment(percent, events int) (pastMoment, error) {
	event := max(events*percent/100, 1)
	at, err := p.instant(event)
	if err != nil {
		return pastMoment{}, err
	}
	expected := min(event, p.names) // the history begins with one event per name
	pages, err := p.readAll(at, asOfPage, expected)
	if err != nil {
		return pastMoment{}, err
	}
	large, err := p.readAll(at, asOfLargePage, expected)
	if err != nil {
		return pastMoment{}, err
	}
	m := pastMoment{Percent: percent, Median: median(pages), Slowest: slices.Max(pages)}
	for _, took := range large {
		m.All += took
	}
	return m, nil
}

// instant returns when an event was recorded.
func (p *pastReader) instant(event int) (time.Time, error) {
	var first struct {
		Changes struct {
			Changes []struct{ CommittedAt time.Time }
		}
	}
	_, err := p.ask(`query{changes(first:1){changes{committedAt}}}`, nil, &first)
	if err == nil && len(first.Changes.Changes) != 1 {
		err = fmt.Errorf("got %d changes, want the first", len(first.Changes.Changes))
	}
	if err != nil {
		return time.Time{}, err
	}
	return first.Changes.Changes[0].CommittedAt.Add(time.Duration(event-1) * historyStep), nil
}

// readAll reads all configs as of an instant, page by page, and returns how long each page took.
func (p *pastReader) readAll(at time.Time, first, expected int) (pages []time.Duration, err error) {
	const document = `query($t:DateTime!,$n:Int,$a:String){asOf(at:{time:$t}){configs(first:$n,after:$a){nodes{name value version} pageInfo{hasNextPage endCursor}}}}`
	variables := map[string]any{"t": at.Format(time.RFC3339Nano), "n": first}
	for read := 0; ; {
		var page struct {
			AsOf struct {
				Configs struct {
					Nodes    []struct{ Name string }
					PageInfo struct {
						HasNextPage bool
						EndCursor   string
					}
				}
			}
		}
		took, err := p.ask(document, variables, &page)
		if err != nil {
			return nil, err
		}
		pages = append(pages, took)
		configs := page.AsOf.Configs
		read += len(configs.Nodes)
		if !configs.PageInfo.HasNextPage {
			if read != expected {
				return nil, fmt.Errorf("got %d configs, want %d", read, expected)
			}
			return pages, nil
		}
		variables["a"] = configs.PageInfo.EndCursor
	}
}
