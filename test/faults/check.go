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

// seen returns what clients have seen, and as the last reads the whole state of each node.
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

// check runs the checks, and voids the round when it proves nothing.
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
	r.result.Findings = append(verdict.Findings, r.result.Findings...) // the answers explain more than the timeouts
	r.result.Losses, r.result.Split = verdict.Losses, verdict.Split
	for _, name := range verdict.Undecided {
		r.void("whether %q is linearizable was not decided in %v", name, checkPatience)
	}
	if r.fault.Graceful {
		r.checkStops(seen)
	}
	r.count(seen)
}

// checkEpochs checks a round in which another server replaced the primary. The history of each
// epoch must be right by itself. Acknowledged writes may be missing only if the new primary did not
// have them, and never after a synchronous failover.
func (r *round) checkEpochs(seen checker.Seen) checker.Verdict {
	var epochs []checker.Epoch
	begin := time.Duration(0)
	for _, f := range r.arena.Forks {
		epochs = append(epochs, checker.Epoch{History: f.Old, Begin: begin, End: f.End})
		begin = f.Begin
	}
	epochs = append(epochs, checker.Epoch{History: r.suite.history, Begin: begin})
	verdict := checker.CheckEpochs(epochs, seen, checkPatience)
	for i, f := range r.arena.Forks {
		if common := f.Old.Common(epochs[i+1].History); common != f.At {
			r.found("only what the standby did not have is lost", "it had seq %d, but the histories diverge after seq %d", f.At, common)
		}
		if first, ok := checker.FirstAcknowledgement(epochs[i], epochs[i+1], seen.Writes); ok {
			r.result.FirstAcknowledged = append(r.result.FirstAcknowledged, first)
			r.result.Taken = append(r.result.Taken, f.Taken-f.Begin)
		}
		left := checker.LeftBehind(epochs[i:i+2], seen.Writes)
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

// count adds up the operations, and voids a round without traffic or without its fault.
func (r *round) count(seen checker.Seen) {
	r.result.Writes, r.result.Reads = len(seen.Writes), len(seen.Reads)
	sets := map[string]bool{}
	for _, w := range seen.Writes {
		switch w.Outcome {
		case record.Done:
			r.result.Acknowledged++
			sets[w.Set] = true
		case record.Unknown:
			r.result.Unknown++
		}
	}
	delete(sets, "") // single writes
	r.result.Sets = len(sets)
	for _, s := range seen.Streams {
		r.result.Messages += len(s.Messages)
	}
	if !r.enough() {
		r.void("there was too little traffic")
	}
	if n, err := r.suite.cluster.UnknownAppends(); err == nil && n > r.unknownAppends {
		r.arena.Evidence.Add(fault.UnknownAppends, n-r.unknownAppends)
	}
	r.result.Evidence = r.arena.Evidence.Counts()
	for _, proof := range r.fault.Proof {
		if r.result.Evidence[proof] < 1 {
			r.void("there is no evidence of the fault: no %s", proof)
		}
	}
}

// checkStops checks that no node failed a request that it had accepted: one that its log has as
// answered, one that changed the history, or one that it answered with 503.
//
// An answer that the node is not ready yet is no failure: load balancers wait for readiness before
// they send requests. A timeout of the client is none either: a node that cannot finish its
// requests does not end with 0.
func (r *round) checkStops(seen checker.Seen) {
	const promise = "a stop fails no request that was accepted"
	var answered [cluster.Nodes]map[string]bool // :: request id → it is in the log of the node
	for i, n := range r.suite.cluster.Nodes {
		var err error
		if answered[i], err = n.Answered(); err != nil {
			r.void("%v", err)
		}
	}
	wrote := map[string]bool{} // :: write id → it is in the history
	for _, e := range r.suite.history.Between(seen.Base, r.suite.history.Head(), "") {
		wrote[checker.IDOf(e)] = true
	}
	for _, w := range seen.Writes {
		timedOut := slices.ContainsFunc(w.Failures, func(f record.Failure) bool { return f.Timeout })
		starting := strings.Contains(w.Status, "has not read its history yet")
		refused := w.Outcome == record.NotWritten && !starting
		if refused || w.Outcome == record.Unknown && wrote[w.ID] && !timedOut {
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
