package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"configapi/test/faults/checker"
	"configapi/test/faults/cluster"
	"configapi/test/faults/fault"
	"configapi/test/faults/record"
)

// seen is all that clients have seen, and, last of all, the whole state of each node.
func (r *round) seen(ctx context.Context, base int64) checker.Seen {
	for i, n := range r.suite.cluster.Nodes {
		r.settlers[i].ListAll(ctx, n, r.suite.history.Head())
		r.settlers[i].Close()
	}
	seen := checker.Seen{Base: base, Writes: r.world.Record.Writes(), Reads: r.world.Record.Reads()}
	for _, sub := range r.subscribers {
		seen.Streams = append(seen.Streams, sub.Stream())
	}
	return seen
}

// judge runs the checks, and says whether the round was one at all.
func (r *round) judge(ctx context.Context, seen checker.Seen) {
	if err := r.suite.extend(ctx); err != nil {
		r.unreadable(err)
	}
	verdict := checker.Check(r.suite.history, seen, checkPatience)
	r.result.Findings = append(verdict.Findings, r.result.Findings...) // what was seen says more than what did not come
	r.result.Losses = verdict.Losses
	for _, name := range verdict.Undecided {
		r.void("whether %q is linearizable was not decided in %v", name, checkPatience)
	}
	if r.fault.Graceful {
		r.judgeStops(seen)
	}
	r.count(seen)
}

// count counts what was done, and voids a round without traffic or without its fault.
func (r *round) count(seen checker.Seen) {
	r.result.Writes, r.result.Reads = len(seen.Writes), len(seen.Reads)
	for _, w := range seen.Writes {
		switch w.Outcome {
		case record.Done:
			r.result.Acknowledged++
		case record.Unknown:
			r.result.Unknown++
		}
	}
	for _, s := range seen.Streams {
		r.result.Messages += len(s.Messages)
	}
	if !r.enough() {
		r.void("there was too little traffic")
	}
	if doubts, err := r.suite.cluster.UnknownAppends(); err == nil && doubts > r.doubts {
		r.arena.Evidence.Add(fault.Doubts, doubts-r.doubts)
	}
	r.result.Evidence = r.arena.Evidence.Counts()
	for _, proof := range r.fault.Proof {
		if r.result.Evidence[proof] < 1 {
			r.void("there is no evidence of the fault: no %s", proof)
		}
	}
}

// judgeStops checks that no node failed a request that it had accepted: one that stands in its log as answered, one that
// changed the history, or one that it answered with 503.
//
// That the next process says it is not ready yet is no failure: a balancer asks for that before it sends requests. Nor is it
// when the client had no more patience: a node that cannot finish what it has does not end with 0.
func (r *round) judgeStops(seen checker.Seen) {
	const promise = "a stop fails no request that was accepted"
	var answered [cluster.Nodes]map[string]bool // :: id of a request → it is in the node's log
	for i, n := range r.suite.cluster.Nodes {
		var err error
		if answered[i], err = n.Answered(); err != nil {
			r.void("%v", err)
		}
	}
	wrote := map[string]bool{} // :: id of a write → it is in the history
	for _, e := range r.suite.history.Between(seen.Base, r.suite.history.Head(), "") {
		wrote[checker.IDOf(e)] = true
	}
	for _, w := range seen.Writes {
		impatient := slices.ContainsFunc(w.Failures, func(f record.Failure) bool { return f.Timeout })
		starting := strings.Contains(w.Status, "has not read its history yet")
		refused := w.Set == "" && w.Outcome == record.NotWritten && !starting
		if refused || w.Set == "" && w.Outcome == record.Unknown && wrote[w.ID] && !impatient {
			r.found(promise, "%s", w)
		}
		for _, f := range w.Failures {
			if !f.Timeout && answered[f.Node][f.Request] {
				r.found(promise, "%s: request %s, which node %d has answered by its log", w, f.Request, f.Node)
			}
		}
	}
}

func (r *round) void(format string, args ...any) {
	r.result.Void = append(r.result.Void, fmt.Sprintf(format, args...))
}
