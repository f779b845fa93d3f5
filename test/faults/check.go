package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/cluster"
	"configapi/test/faults/fault"
	"configapi/test/faults/record"
)

// seen is all that clients have seen, and, last of all, the whole state of each node.
func (r *round) seen(ctx context.Context, base int64) checker.Seen {
	for i, n := range r.suite.cluster.Nodes {
		r.probes[i].ListAll(ctx, n, r.suite.history.Head())
		r.probes[i].Close()
	}
	seen := checker.Seen{Base: base, Writes: r.world.Record.Writes(), Reads: r.world.Record.Reads()}
	for _, sub := range r.subscribers {
		seen.Streams = append(seen.Streams, sub.Streams()...)
	}
	return seen
}

// judge runs the checks, and says whether the round was one at all.
func (r *round) check(ctx context.Context, seen checker.Seen) {
	if err := r.suite.extend(ctx); err != nil {
		r.unreadable(err)
	}
	var verdict checker.Verdict
	if len(r.arena.Forks) > 0 {
		verdict = r.checkEpochs(seen)
	} else {
		verdict = checker.Check(r.suite.history, seen, checkPatience)
	}
	r.result.Findings = append(verdict.Findings, r.result.Findings...) // what was seen says more than what did not come
	r.result.Losses = verdict.Losses
	for _, name := range verdict.Undecided {
		r.void("whether %q is linearizable was not decided in %v", name, checkPatience)
	}
	if r.fault.Graceful {
		r.checkStops(seen)
	}
	r.count(seen)
}

// judgeBranches judges a round in which another history took the place of the first. Each has to be
// right in itself. What was acknowledged may be missing only where the server that took over did
// not have it, and nowhere after a synchronous failover.
func (r *round) checkEpochs(seen checker.Seen) checker.Verdict {
	var branches []checker.Epoch
	begin := time.Duration(0)
	for _, f := range r.arena.Forks {
		branches = append(branches, checker.Epoch{History: f.Old, Begin: begin, End: f.End})
		begin = f.Begin
	}
	branches = append(branches, checker.Epoch{History: r.suite.history, Begin: begin})
	verdict := checker.CheckEpochs(branches, seen, checkPatience)
	for i, f := range r.arena.Forks {
		if common := f.Old.Common(branches[i+1].History); common != f.At {
			r.found("only what the standby did not have is lost", "it had come to position %d, but the histories part at %d", f.At, common)
		}
		if first, ok := checker.FirstAcknowledgement(branches[i], branches[i+1], seen.Writes); ok {
			r.result.FirstAcknowledged = append(r.result.FirstAcknowledged, first)
			r.result.Taken = append(r.result.Taken, f.Taken-f.Begin)
		}
		left := checker.LeftBehind(branches[i:i+2], seen.Writes)
		r.arena.Evidence.Add("acknowledged writes behind the standby", int64(len(left)))
		for _, w := range left {
			if f.Lossless {
				verdict.Losses++
				r.found("a synchronous failover loses nothing", "lost: %s", w)
			}
		}
	}
	return verdict
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
	if doubts, err := r.suite.cluster.UnknownAppends(); err == nil && doubts > r.unknownAppends {
		r.arena.Evidence.Add(fault.UnknownAppends, doubts-r.unknownAppends)
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
func (r *round) checkStops(seen checker.Seen) {
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
