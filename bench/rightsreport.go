package main

import (
	"fmt"

	"configapi/test/reports"
)

// rightsCells returns all cells of the part rights.
func (r *report) rightsCells() []cell {
	var cells []cell
	add := func(at cell) {
		if r.Rights.Loads[at] != nil {
			cells = append(cells, at)
		}
	}
	for _, by := range []string{byOpen, byOneGrant, byManyGrants, byOneScope, byManyScopes} {
		for _, load := range []string{loadGetREST, loadGetGraphQL, loadPutREST} {
			add(cell{Part: load, Store: storeSQLite, By: by, Clients: rightsClients})
		}
		add(cell{Part: loadSingle, By: by, Clients: r.Options.Subscribers[0]})
	}
	return cells
}

// writeRights writes tables of what rights cost.
func (r *report) writeRights(doc *document) {
	doc.line("## Rights")
	doc.line(fmt.Sprintf("The same loads on an open server, and on servers whose clients have a token with 1 grant or %d. "+
		"Reads and writes by %d clients; deliveries of one change after the other to %d subscribers. CPU is the server's:",
		manyGrants, rightsClients, r.Options.Subscribers[0]))
	r.writeRightsCost(doc)
	doc.line("Streams of all changes with tokens: all of one scope, which share one execution, or each of a scope of its own. " +
		"Memory is that of a fresh server without subscribers, with them, and once it has settled after changes to all of them:")
	r.writeScopes(doc)
	doc.line("A server with so many tokens of two grants, and no configs:")
	r.writeTokens(doc)
}

func (r *report) writeRightsCost(doc *document) {
	t := reports.Table{Head: []string{"load", "token", "/s", "open's /s", "÷ open", "rounds", ">= 0.95",
		"µs of CPU", "open's µs", "÷ open", "rounds", "<= 1.05"}}
	for _, load := range []string{loadGetREST, loadGetGraphQL, loadPutREST, loadSingle} {
		for _, by := range []string{byOneGrant, byManyGrants} {
			at := cell{Part: load, Store: storeSQLite, By: by, Clients: rightsClients}
			if load == loadSingle {
				at = cell{Part: load, By: by, Clients: r.Options.Subscribers[0]}
			}
			open := at
			open.By = byOpen
			ours, reference := r.Rights.Loads[at], r.Rights.Loads[open]
			rate, rates, fast := compared(ours, reference, sample.rate, rightsAim.verdict)
			cost, costs, cheap := compared(ours, reference, sample.serverCost, atMostRatio(rightsCostAim))
			t.Add(load, by, rateText(ours), rateText(reference), rate, rates, fast,
				costText(ours, sample.serverCost), costText(reference, sample.serverCost), cost, costs, cheap)
		}
	}
	doc.table(t)
}

func (r *report) writeScopes(doc *document) {
	t := reports.Table{Head: []string{"scopes", "subscribers", "deliveries/s", "µs of CPU each", "÷ 1 scope", "rounds", "p99",
		"RSS without", "RSS with", "per subscriber", "after the load", "per subscriber"}}
	for _, m := range r.Rights.Scopes {
		at := cell{Part: loadSingle, By: m.By, Clients: r.Options.Subscribers[0]}
		one := at
		one.By = byOneScope
		s := r.Rights.Loads[at]
		ratio, rounds, _ := compared(s, r.Rights.Loads[one], sample.serverCost, noAim)
		row := []string{m.By, fmt.Sprint(m.Subscribers), rateText(s), costText(s, sample.serverCost), ratio, rounds, timeText(s, p99), failed, failed, failed, failed, failed}
		if m.Err == nil {
			row[7], row[8], row[9] = megabytes(m.Before), megabytes(m.After), kilobytes(m.perSubscriber(m.After))
			row[10], row[11] = megabytes(m.Loaded), kilobytes(m.perSubscriber(m.Loaded))
		}
		t.Add(row...)
	}
	doc.table(t)
}

func (r *report) writeTokens(doc *document) {
	t := reports.Table{Head: []string{"tokens", "start", "CPU of the start", "RSS", "bytes a token"}}
	for _, m := range r.Rights.Tokens {
		row := []string{fmt.Sprint(m.Tokens), failed, failed, failed, failed}
		if m.Err == nil {
			row = []string{fmt.Sprint(m.Tokens), seconds(m.Start), seconds(m.CPU), megabytes(m.Resident), notMeasured}
		}
		if first := r.Rights.Tokens[0]; m.Tokens > first.Tokens && m.Err == nil && first.Err == nil {
			row[4] = fmt.Sprintf("%.0f", float64(m.Resident-first.Resident)/float64(m.Tokens-first.Tokens))
		}
		t.Add(row...)
	}
	doc.table(t)
}
