package checker

import (
	"strings"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// Separator ends the id of a write in its value.
const Separator = "|"

// claims maps writes to their events.
type claims struct {
	events   map[*record.Write]*history.Event // :: write → its event
	findings []Finding
	losses   int
}

// claim finds the event of each write. It checks that the history consists of all acknowledged
// writes and of some unknown ones, each once: acknowledged ⊆ history ⊆ acknowledged ∪ unknown.
func claim(h *history.History, seen Seen) claims {
	c := claims{events: map[*record.Write]*history.Event{}}
	byID := map[string]*record.Write{}
	for _, w := range seen.Writes {
		byID[w.ID] = w
	}
	exact := findings{promise: "acknowledged ⊆ history ⊆ acknowledged ∪ unknown"}
	once := findings{promise: "exactly one effect"}
	for _, e := range h.Between(seen.Base, h.Head(), "") {
		w := byID[IDOf(e)]
		switch {
		case w == nil:
			exact.add("no client wrote seq %d: %s of %q, value %q, reason %q", e.Seq, e.Type, e.Name, e.Value, e.Reason)
			continue
		case c.events[w] != nil:
			once.add("%s has two effects, at seqs %d and %d", w, c.events[w].Seq, e.Seq)
			continue
		case w.Outcome == record.Refused || w.Outcome == record.NotWritten:
			exact.add("%s is at seq %d all the same", w, e.Seq)
		case e.Name != w.Name || e.Type != typeOf(w.Kind) || w.Kind != record.Delete && e.Value != w.Value:
			exact.add("%s became %s of %q, value %q, at seq %d", w, e.Type, e.Name, e.Value, e.Seq)
		case w.Outcome == record.Done && (e.Seq != w.Position.Seq || e.Hash != w.Position.Hash || e.Version != w.Version):
			exact.add("%s: acknowledged as version %d, but is version %d at %d-%s", w, w.Version, e.Version, e.Seq, e.Hash)
		}
		c.events[w] = e
	}
	for _, w := range seen.Writes {
		if w.Outcome == record.Done && c.events[w] == nil {
			c.losses++
			exact.add("lost: %s", w)
		}
	}
	c.findings = append(append(exact.all(), once.all()...), c.sets(seen)...)
	return c
}

// sets checks that the writes of one change set are together in the history, all of them or none.
func (c claims) sets(seen Seen) []Finding {
	found := findings{promise: "change sets are atomic"}
	bySet := map[string][]*history.Event{} // :: set → events, nil for a write without one
	for _, w := range seen.Writes {
		if e := c.events[w]; w.Set != "" {
			bySet[w.Set] = append(bySet[w.Set], e)
		} else if e != nil && e.ChangeSet != e.Seq {
			found.add("%s was alone, but is in the change set that ends at %d", w, e.ChangeSet)
		}
	}
	for set, events := range bySet {
		first := events[0]
		for i, e := range events {
			switch {
			case (first == nil) != (e == nil):
				found.add("of set %s, change %d and change 0 are not both in the history", set, i)
			case e != nil && (e.Seq != first.Seq+int64(i) || e.ChangeSet != first.Seq+int64(len(events)-1)):
				found.add("change %d of set %s is at seq %d, in the change set that ends at %d", i, set, e.Seq, e.ChangeSet)
			}
		}
	}
	return found.all()
}

// IDOf returns the id of the write that made an event. It is the reason of the event, or the
// beginning of its value.
func IDOf(e *history.Event) string {
	if e.Reason != "" {
		return e.Reason
	}
	id, _, _ := strings.Cut(e.Value, Separator)
	return id
}

func typeOf(k record.Kind) string {
	return [...]string{history.Set, history.Deleted, history.Restored}[k]
}
