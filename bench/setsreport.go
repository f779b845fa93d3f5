package main

import (
	"fmt"
	"slices"

	"configapi/test/reports"
)

// setCells returns all cells of change sets, with those next to each other that are compared.
func (r *report) setCells() []cell {
	var loads []string
	for _, l := range setLoads {
		loads = append(loads, l.name)
	}
	return r.inOrder(r.Sets, append(loads, dryRun.name), setClients)
}

// writePages writes a table of the reads of differences, histories and children.
func (r *report) writePages(doc *document) {
	t := reports.Table{Head: []string{"store", "events", "names", "", "reads", "median", "p95", "aim", "reached"}}
	for _, s := range r.Pages {
		events, names := fmt.Sprint(s.Events), fmt.Sprint(s.Names)
		if s.Err != nil {
			t.Add(s.Store, events, names, failed, failed, failed, failed, failed, failed)
		}
		for _, read := range s.Reads {
			aim, reached := notMeasured, notMeasured
			slow := reports.Percentile(slices.Sorted(slices.Values(read.Times)), 95)
			if s.isLong() {
				aim, reached = "< "+milliseconds(read.Limit), withinTime(slow, read.Limit)
			}
			t.Add(s.Store, events, names, read.What, fmt.Sprint(len(read.Times)), milliseconds(median(read.Times)), milliseconds(slow), aim, reached)
		}
	}
	doc.line("## Differences, histories and children")
	doc.line(fmt.Sprintf("On the same history, by GraphQL and one client. One event in %d is of one name. All of a difference is read in pages of %d, without the changes between.",
		busyShare, diffAllPage))
	doc.table(t)
}

// isLong reports whether the history is as long as the aims are meant for.
func (s *pagesSeries) isLong() bool { return s.Events >= asOfAimEvents && s.Names >= asOfAimNames }

// writeSets writes tables of change sets.
func (r *report) writeSets(doc *document) {
	doc.line("## Change sets")
	doc.line(fmt.Sprintf("On the same history. Sets of so many changes, beside etcd's puts to as many keys, by as many clients, in transactions of %d, "+
		"one after the other until a client has made as many changes as a set has; and in transactions of %d, the most that etcd takes by default. /s are changes:",
		etcdPuts, etcdMostPuts))
	applied := reports.Table{Head: []string{"store", "by", "changes of a set", "clients", "changes/s", "etcd's /s", "÷ etcd", "rounds", "reached 1.00",
		"÷ etcd's of 128", "p50 of a set", "etcd's p50", "p95", "p95 < 100 ms"}}
	for _, l := range setLoads {
		for _, clients := range setClients {
			r.addSets(&applied, l, clients)
		}
	}
	doc.table(applied)
	doc.line(fmt.Sprintf("Dry runs of %d changes, by one client:", dryRun.changes))
	dry := reports.Table{Head: []string{"store", "by", "/s", "p50", "p95", "p95 < 5 ms"}}
	for store, by := range r.setWays() {
		s := r.Sets[cell{dryRun.name, store, by, 1}]
		dry.Add(store, by, rateText(s), timeText(s, p50), timeText(s, p95), inTime(dryRunAim, s))
	}
	doc.table(dry)
}

// addSets adds a row for each way to apply sets.
func (r *report) addSets(t *reports.Table, l setLoad, clients int) {
	etcd := r.Sets[cell{l.name, "", byEtcd, clients}]
	for store, by := range r.setWays() {
		s := r.Sets[cell{l.name, store, by, clients}]
		ratio, rounds, reached := compared(s, etcd, sample.rate, setsAim.verdict)
		most, _, _ := compared(s, r.Sets[cell{l.name, "", byEtcdMost, clients}], sample.rate, noAim)
		inLimit := notMeasured
		if clients == 1 {
			inLimit = inTime(applyAim, s)
		}
		t.Add(store, by, fmt.Sprint(l.changes), fmt.Sprint(clients), rateText(s), rateText(etcd), ratio, rounds, reached,
			most, timeText(s, p50), timeText(etcd, p50), timeText(s, p95), inLimit)
	}
}

// setWays yields the stores and APIs of change sets.
func (r *report) setWays() func(yield func(store, by string) bool) {
	return func(yield func(store, by string) bool) {
		for _, store := range r.Options.Stores {
			for _, by := range []string{byREST, byGraphQL} {
				if store != storeMemory && !yield(store, by) {
					return
				}
			}
		}
	}
}
