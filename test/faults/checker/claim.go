package checker

import (
	"fmt"
	"slices"
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
	split    int // change sets
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
		default:
			if problem := misdone(h, w, e); problem != "" {
				exact.add("%s %s", w, problem)
			}
		}
		c.events[w] = e
	}
	for _, w := range seen.Writes {
		if w.Outcome == record.Done && c.events[w] == nil {
			c.losses++
			exact.add("lost: %s", w)
		}
	}
	torn, split := c.sets(seen)
	c.split = split
	c.findings = slices.Concat(torn, exact.all(), once.all(), recalls(seen), foreseen(h, seen, c))
	return c
}

// misdone describes how an event differs from the write that made it. It returns "" when it does
// not.
func misdone(h *history.History, w *record.Write, e *history.Event) string {
	before := h.State(e.Name, e.Seq-1)
	value := w.Value
	if w.Last {
		value = before.Value
	}
	switch {
	case e.Name != w.Name || e.Type != typeOf(w.Kind) || w.Kind != record.Delete && e.Value != value || e.Reverts != w.Reverts:
		return fmt.Sprintf("became %s of %q, value %q, reverts %q, at seq %d", e.Type, e.Name, e.Value, e.Reverts, e.Seq)
	case w.Outcome == record.Done && (e.Seq != w.Position.Seq || e.Hash != w.Position.Hash || e.Version != w.Version):
		return fmt.Sprintf("was acknowledged as version %d, but is version %d at %d-%s", w.Version, e.Version, e.Seq, e.Hash)
	case w.Outcome == record.Done && w.Set != "" && w.Kind != record.Restore && w.Before != before.Value:
		return fmt.Sprintf("was acknowledged with the old value %q, the history has %q", w.Before, before.Value)
	}
	return ""
}

// sets checks that the writes of one change set are together in the history, in their order, all of
// them or none. split is the number of sets that are not.
func (c claims) sets(seen Seen) (broken []Finding, split int) {
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
		if problem := torn(events); problem != "" {
			split++
			found.add("set %s: %s", set, problem)
		}
	}
	return found.all(), split
}

// torn describes how the events of a change set are not together. It returns "" when they are.
func torn(events []*history.Event) string {
	first := events[0]
	for i, e := range events {
		switch {
		case (first == nil) != (e == nil):
			return fmt.Sprintf("change %d and change 0 are not both in the history", i)
		case e != nil && (e.Seq != first.Seq+int64(i) || e.ChangeSet != first.Seq+int64(len(events)-1)):
			return fmt.Sprintf("change %d is at seq %d, in the change set that ends at %d", i, e.Seq, e.ChangeSet)
		}
	}
	return ""
}

// ofSet begins the reason of the events of a change set.
const ofSet = "set "

// ReasonOf returns the reason with which clients send a change set.
func ReasonOf(set string) string { return ofSet + set }

// IDInSet returns the id of the write of a name in a change set, which has each name once.
func IDInSet(set, name string) string { return set + " " + name }

// IDOf returns the id of the write that made an event. It is the reason of the event, the beginning
// of its value, or follows from the change set that the reason names.
func IDOf(e *history.Event) string {
	if set, is := strings.CutPrefix(e.Reason, ofSet); is {
		return IDInSet(set, e.Name)
	}
	if e.Reason != "" {
		return e.Reason
	}
	id, _, _ := strings.Cut(e.Value, Separator)
	return id
}

func typeOf(k record.Kind) string {
	return [...]string{history.Set, history.Deleted, history.Restored}[k]
}
