package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"configapi/test/reports"
)

// sampledPages is how many pages of a long list are read.
const sampledPages = 200

// Documents that only the part large reads.
const (
	namesDocument = `query($a:String){page:configs(first:100,after:$a){nodes{name value version} pageInfo{hasNextPage endCursor}}}`
	countDocument = `query{page:configs(first:1){totalCount nodes{name}}}`
)

// reads reads pages of the present, of the past, of a history and of differences, by GraphQL and
// one client.
func (l *large) reads(ctx context.Context) error {
	client, err := dialLean(l.server.Address, time.Now().Add(largePatience))
	if err != nil {
		return err
	}
	defer closeWith(ctx, client)()
	p, err := newPager(client, l.server.Address, l.options)
	if err != nil {
		return err
	}
	type read struct {
		what      string
		most      int // pages
		document  string
		variables map[string]any
	}
	all := []read{
		{"page of 100 names", sampledPages, namesDocument, map[string]any{}},
		{"count of all names", 3, countDocument, map[string]any{}},
	}
	for _, percent := range asOfPercents {
		all = append(all, read{fmt.Sprintf("page of 100 names as of %d %% of the history", percent), sampledPages, asOfDocument,
			map[string]any{"t": p.at(l.options.Events / 100 * percent), "n": asOfPage}})
	}
	all = append(all,
		read{fmt.Sprintf("page of %d of the history of a name with %d revisions", historyPage, p.busy), sampledPages, historyDocument,
			map[string]any{"n": historyName(0, l.options.NameSize)}},
		read{"page of 100 children of a folder", sampledPages, childrenDocument, map[string]any{"p": historyFolder(1)}},
		read{fmt.Sprintf("difference of %d events, a page of %d with the changes between", near, diffPage), sampledPages, diffDocument,
			map[string]any{"t": p.at(l.options.Events - near)}},
		read{fmt.Sprintf("difference of %d events, such a page", lessNear), sampledPages, diffDocument, map[string]any{"t": p.at(l.options.Events - lessNear)}},
	)
	for _, r := range all {
		pages, _, err := p.some(r.document, r.variables, r.most)
		if err != nil {
			return fmt.Errorf("%s: %w", r.what, err)
		}
		slices.Sort(pages)
		l.note(r.what, "p50 %s, p95 %s, of %d", milliseconds(median(pages)), milliseconds(reports.Percentile(pages, 95)), len(pages))
	}
	half := map[string]any{"t": p.at(l.options.Events / 2), "n": asOfLargePage}
	if err := l.whole(p, "all names as of 50 % of the history", asOfDocument, half); err != nil {
		return err
	}
	return l.whole(p, "difference of the two ends", diffAllDocument, map[string]any{"t": p.at(1), "u": p.at(l.options.Events)})
}

// whole reads all pages of 500 elements.
func (l *large) whole(p *pager, what, document string, variables map[string]any) error {
	pages, names, err := p.all(document, variables)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	slices.Sort(pages)
	l.note(what+", all in pages of 500", "%s for %d names; a page p50 %s, p95 %s", seconds(total(pages)), names,
		milliseconds(median(pages)), milliseconds(reports.Percentile(pages, 95)))
	return nil
}
