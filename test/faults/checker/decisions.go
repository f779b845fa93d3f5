package checker

import (
	"fmt"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// wrongDecisions describes how what a server said of the changes of a set does not follow from the
// state that it was decided on. It returns "" when all of it does.
func wrongDecisions(h *history.History, r *record.Read) string {
	rejected := false
	for _, d := range r.Decisions {
		rejected = rejected || d.Rejected
	}
	for _, d := range r.Decisions {
		state := h.State(d.Change.Name, r.Position.Seq)
		refusal, next := decide(state, actionOf(d.Change))
		value := next.Value
		if d.Change.Kind == record.Delete {
			value = ""
		}
		said := fmt.Sprintf("it says of the change %s (%s of %q, expecting %s, as seen at %d): %s, version %d, value %q, stale %t; the history has %+v",
			d.Change.ID, d.Change.Kind, d.Change.Name, expectation(d.Change), d.Change.SeenAt, d.Refusal, d.Version, d.Value, d.Stale, state)
		switch {
		case d.Other != "":
			return fmt.Sprintf("the set of %s was rejected as %s", d.Change.ID, d.Other)
		case d.Refusal != refusal, d.Stale != stale(h, d.Change, r.Position.Seq):
			return said
		case refusal == record.Conflict && d.Version >= 0 && d.Version != state.Version:
			return said
		case !rejected && (d.Version != next.Version || d.Value != value):
			return said
		}
	}
	return ""
}

func expectation(w *record.Write) string {
	if w.Expected == nil {
		return "any version"
	}
	return fmt.Sprintf("version %d", *w.Expected)
}

// stale reports whether a config has changed after the seq that the client had seen, and up to
// another one.
func stale(h *history.History, w *record.Write, upTo int64) bool {
	if w.SeenAt == 0 {
		return false
	}
	return h.State(w.Name, upTo).Version != h.State(w.Name, w.SeenAt).Version
}

// foreseen checks the sets that refer to what their client had seen: no config has changed between
// that and the set. What a dry run there has said of the set is what it came to.
func foreseen(h *history.History, seen Seen, c claims) []Finding {
	found := findings{promise: "a set is carried out as it was seen"}
	for _, w := range seen.Writes {
		e := c.events[w]
		switch {
		case e == nil || w.SeenAt == 0:
		case stale(h, w, e.Seq-1):
			found.add("%s, although %q has changed after seq %d", w, w.Name, w.SeenAt)
		case w.Foreseen.Made && w.Foreseen.Rejected:
			found.add("%s, although the dry run at seq %d was rejected", w, w.SeenAt)
		case w.Foreseen.Made && w.Foreseen.Version != e.Version:
			found.add("%s became version %d; the dry run at seq %d said %d", w, e.Version, w.SeenAt, w.Foreseen.Version)
		}
	}
	return found.all()
}

// recalls checks that each further answer to a request with the same key gives the first outcome,
// unless it says that it could not be had.
func recalls(seen Seen) []Finding {
	found := findings{promise: "exactly one effect"}
	for _, w := range seen.Writes {
		for _, again := range w.Recalls {
			lacks := again.Outcome == record.Unknown || again.Outcome == record.NotWritten
			if !lacks && (again.Outcome != record.Done || again.Version != w.Version || again.Position != w.Position) {
				found.add("%s: the same request came to %s, version %d at %s (%s)", w, again.Outcome, again.Version, again.Position, again.Status)
			}
		}
	}
	return found.all()
}
