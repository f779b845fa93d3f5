package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"configapi/test/reports"
)

// report has all results of a run.
type report struct {
	Options options
	Machine reports.Facts
	Loads   measurements
	Values  measurements // of large values
	Starts  []startSeries
	Pasts   []pastSeries
	Pages   []pagesSeries
	Sets    measurements
	Memory  []setMemory
	Large   []largeSeries
	Streams streams
	Nodes   measurements // of several nodes
	Limits  []limitRow
	Rights  rights
}

// failures returns the errors that voided measurements, nil if there are none.
func (r *report) failures() error {
	var errs []error
	add := func(what string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", what, err))
		}
	}
	addCells := func(cells []cell, of measurements) {
		for _, at := range cells {
			add(at.String(), of[at].Err)
		}
	}
	addCells(r.cells(), r.Loads)
	addCells(r.valueCells(), r.Values)
	for _, s := range r.Starts {
		add("start on store "+s.Store, s.Err)
	}
	for _, s := range r.Pasts {
		add("reads of the past on store "+s.Store, s.Err)
	}
	for _, s := range r.Pages {
		add("pages of store "+s.Store, s.Err)
	}
	addCells(r.setCells(), r.Sets)
	for _, m := range r.Memory {
		add("memory of a large set in store "+m.Store, m.Err)
	}
	for _, s := range r.Large {
		add("large history in store "+s.Store, s.Err)
	}
	addCells(r.streamCells(), r.Streams.Loads)
	for _, m := range r.Streams.Idle {
		if m.refused() == "" {
			add("idle subscribers of "+m.By, m.Err)
		}
	}
	addCells(r.nodeCells(), r.Nodes)
	for _, l := range r.Limits {
		add(l.Path, l.Err)
	}
	addCells(r.rightsCells(), r.Rights.Loads)
	for _, m := range r.Rights.Scopes {
		add("subscribers with "+m.By, m.Err)
	}
	for _, m := range r.Rights.Tokens {
		add(fmt.Sprintf("a server with %d tokens", m.Tokens), m.Err)
	}
	return errors.Join(errs...)
}

// markdown returns the report as text.
func (r *report) markdown() string {
	var doc document
	doc.line("# ConfigApi beside a bare handler and etcd")
	r.writeHead(&doc)
	if r.Options.has(partWrites) {
		r.writeWrites(&doc)
	}
	if r.Options.has(partReads) {
		r.writeReads(&doc)
	}
	if r.Options.has(partWrites) && slices.Contains(r.Options.Clients, 1) {
		r.writeOneClient(&doc)
	}
	if r.Options.has(partValues) {
		r.writeValues(&doc)
	}
	if r.Options.has(partStart) {
		r.writeStarts(&doc)
	}
	if r.Options.has(partAsOf) {
		r.writePasts(&doc)
	}
	if r.Options.has(partPages) {
		r.writePages(&doc)
	}
	if r.Options.has(partSets) {
		r.writeSets(&doc)
	}
	if r.Options.has(partMemory) {
		r.writeMemory(&doc)
	}
	if r.Options.has(partLarge) {
		r.writeLarge(&doc)
	}
	if r.Options.has(partStreams) {
		r.writeStreams(&doc)
	}
	if r.Options.has(partIdle) {
		r.writeIdle(&doc)
	}
	if r.Options.has(partNodes) {
		r.writeNodes(&doc)
	}
	if r.Options.has(partLimits) {
		r.writeLimits(&doc)
	}
	if r.Options.has(partRights) {
		r.writeRights(&doc)
	}
	if r.Options.loads() || r.Options.has(partValues) || r.Options.has(partSets) || r.Options.has(partStreams) || r.Options.has(partNodes) {
		r.writeCells(&doc)
	}
	if err := r.failures(); err != nil {
		doc.line("## Failed\n\n```\n" + err.Error() + "\n```")
	}
	return doc.text.String()
}

func (r *report) writeHead(doc *document) {
	o := r.Options
	doc.table(r.Machine.Table())
	doc.line(fmt.Sprintf("Rounds: %d, each %v after %v of warm-up. A figure is the median of the rounds; a ratio is the median of the "+
		"rounds' ratios, [least … greatest] beside it. Values of %d bytes, %d names, HTTP client %s, etcd's gets %s.",
		o.Rounds, o.Duration, o.WarmUp, o.Size, o.Names, o.Client, o.EtcdReads))
}

func (r *report) writeWrites(doc *document) {
	t := reports.Table{Head: []string{"store", "clients", "REST /s", "GraphQL /s", "etcd puts /s", "REST ÷ etcd", "rounds", "GraphQL ÷ etcd",
		"aim (at least)", "reached", "earlier engine /s"}}
	for store, clients := range r.rows() {
		rest, graph := r.at(partWrites, store, byREST, clients), r.at(partWrites, store, byGraphQL, clients)
		etcd := r.at(partWrites, "", byEtcd, clients)
		restRatio, rounds, reached := compared(rest, etcd, sample.rate, writeAim.verdict)
		graphRatio, _, _ := compared(graph, etcd, sample.rate, writeAim.verdict)
		t.Add(store, fmt.Sprint(clients), rateText(rest), rateText(graph), rateText(etcd), restRatio, rounds, graphRatio,
			fmt.Sprintf("%.2f (%.2f)", writeAim.want, writeAim.must), reached, earlierRate(clients))
	}
	doc.line("## Durable writes")
	doc.line("The earlier engine is the event-sourcing engine that the project began with. It is not to be had as a program, so it was not part of this run: " +
		"the figures were taken before, on a machine of this kind. For each write it reads the events of a name, computes its state from them and appends one.")
	doc.table(t)
}

// earlierRates are the writes per second of the earlier engine.
var earlierRates = map[int]int{1: 388, 16: 824, 64: 1004, 256: 852} // :: clients → writes/s

// earlierRate returns the writes per second of the earlier engine as text.
func earlierRate(clients int) string {
	rate, ok := earlierRates[clients]
	if !ok {
		return notMeasured
	}
	return fmt.Sprint(rate)
}

func (r *report) writeReads(doc *document) {
	rates := reports.Table{Head: []string{"store", "clients", "bare /s", "REST /s", "GraphQL /s", "etcd gets /s", "REST ÷ etcd", "GraphQL ÷ etcd"}}
	ratios := reports.Table{Head: []string{"store", "clients", "REST ÷ bare", "rounds", "reached 0.80", "REST p95",
		"GraphQL ÷ bare", "rounds", "reached 0.50", "GraphQL p95", "p95 < 10 ms"}}
	for store, clients := range r.rows() {
		rest, graph := r.at(partReads, store, byREST, clients), r.at(partReads, store, byGraphQL, clients)
		bare, etcd := r.at(partReads, "", byBare, clients), r.at(partReads, "", byEtcd, clients)
		restEtcd, _, _ := compared(rest, etcd, sample.rate, noAim)
		graphEtcd, _, _ := compared(graph, etcd, sample.rate, noAim)
		rates.Add(store, fmt.Sprint(clients), rateText(bare), rateText(rest), rateText(graph), rateText(etcd), restEtcd, graphEtcd)

		restBare, restRounds, restReached := compared(rest, bare, sample.rate, restReadAim.verdict)
		graphBare, graphRounds, graphReached := compared(graph, bare, sample.rate, graphQLReadAim.verdict)
		ratios.Add(store, fmt.Sprint(clients), restBare, restRounds, restReached, timeText(rest, p95),
			graphBare, graphRounds, graphReached, timeText(graph, p95), inTime(readerAim, rest, graph))
	}
	doc.line("## Reads of one config")
	doc.table(rates)
	doc.table(ratios)
}

func (r *report) writeOneClient(doc *document) {
	t := reports.Table{Head: []string{"store", "by", "p50", "p95", "p99", "p95 < 5 ms"}}
	add := func(store, by string, limit bool) {
		s := r.at(partWrites, store, by, 1)
		reached := ""
		if limit {
			reached = inTime(oneWriterAim, s)
		}
		t.Add(store, by, timeText(s, p50), timeText(s, p95), timeText(s, p99), reached)
	}
	for _, store := range r.Options.Stores {
		add(store, byREST, true)
		add(store, byGraphQL, true)
	}
	add("", byEtcd, false)
	doc.line("## A durable write with one client")
	doc.table(t)
}

func (r *report) writeStarts(doc *document) {
	t := reports.Table{Head: []string{"store", "events", "names", "until /readyz", "rounds", "CPU", "aim", "reached"}}
	for _, s := range r.Starts {
		row := []string{s.Store, fmt.Sprint(s.Events), fmt.Sprint(s.Names), failed, notMeasured, notMeasured, notMeasured, failed}
		if s.Err == nil {
			times := each(s.Starts, startTime)
			row[3] = seconds(median(times))
			row[4] = fmt.Sprintf("[%s … %s]", seconds(slices.Min(times)), seconds(slices.Max(times)))
			row[5] = seconds(medianOf(s.Starts, startCPU))
			row[6], row[7] = startVerdict(s.Events, s.Names, median(times))
		}
		t.Add(row...)
	}
	doc.line("## Start with a long history")
	doc.table(t)
}

func (r *report) writePasts(doc *document) {
	t := reports.Table{Head: []string{"store", "events", "names", "moment", "page of 100: median", "slowest", "< 100 ms", "all names", "< 1 s"}}
	for _, s := range r.Pasts {
		events, names := fmt.Sprint(s.Events), fmt.Sprint(s.Names)
		if s.Err != nil {
			t.Add(s.Store, events, names, failed, failed, failed, failed, failed, failed)
		}
		for _, m := range s.Moments {
			page, all := notMeasured, notMeasured
			if s.Events >= asOfAimEvents && s.Names >= asOfAimNames {
				page, all = withinTime(m.Slowest, asOfPageAim), withinTime(m.All, asOfAllAim)
			}
			t.Add(s.Store, events, names, fmt.Sprintf("%d %%", m.Percent), milliseconds(m.Median), milliseconds(m.Slowest), page, seconds(m.All), all)
		}
	}
	doc.line("## The past")
	doc.line(fmt.Sprintf("All configs as of an instant, after so much of the history, by GraphQL: page by page of %d, and all in pages of %d.", asOfPage, asOfLargePage))
	doc.table(t)
}

// writeCells writes a table of all measurements.
func (r *report) writeCells(doc *document) {
	t := reports.Table{Head: []string{"", "store", "by", "clients", "/s", "p50", "p95", "p99", "server CPU µs", "client CPU µs"}}
	add := func(cells []cell, of measurements) {
		for _, at := range cells {
			s := of[at]
			t.Add(at.Part, at.Store, at.By, fmt.Sprint(at.Clients), rateText(s), timeText(s, p50), timeText(s, p95), timeText(s, p99),
				costText(s, sample.serverCost), costText(s, sample.clientCost))
		}
	}
	add(r.cells(), r.Loads)
	add(r.valueCells(), r.Values)
	add(r.setCells(), r.Sets)
	add(r.streamCells(), r.Streams.Loads)
	add(r.nodeCells(), r.Nodes)
	doc.line("## Everything that was measured")
	doc.line("CPU is per request, for sets per change, for streams per delivery. The server's includes PostgreSQL's, where this program started that.")
	doc.table(t)
}

// document collects blocks of Markdown, with an empty line between them.
type document struct{ text strings.Builder }

func (d *document) line(text string) {
	if d.text.Len() > 0 {
		d.text.WriteString("\n")
	}
	d.text.WriteString(text + "\n")
}

func (d *document) table(t reports.Table) { d.line(strings.TrimSuffix(t.String(), "\n")) }
