// Package history is what the suite believes: the events of the one history, as the tables hold them, and what follows from
// them at each position. It shares no code with the product, so that a mistake there is not made here too.
package history

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The types of events, as the column type has them.
const (
	Set      = "ConfigValueSet"
	Deleted  = "ConfigValueDeleted"
	Restored = "ConfigValueRestored"
)

// Event is a row of the table events. Values are as [Digest] makes them.
type Event struct {
	Seq  int64
	ChangeSet int64
	Hash      string // its first 8 hex digits
	Name      string
	Version   int
	Type      string
	Value     string // "" of a deletion
	Before    string // the value before, "" when there was none
	Reason    string // "" for none
	At        time.Time
}

// State is what a name has come to. The zero State is that of a name to which nothing has happened.
type State struct {
	Version int
	Exists  bool
	Value   string // the last one, also while it does not exist
}

// Next is the state after an event, or an error when the event cannot follow.
func (s State) Next(e *Event) (State, error) {
	fits := e.Version == s.Version+1
	next := State{e.Version, true, e.Value}
	switch e.Type {
	case Set:
		fits = fits && (s.Exists || s.Version == 0) && e.Before == s.Value
	case Deleted:
		fits = fits && s.Exists && e.Before == s.Value
		next.Exists, next.Value = false, s.Value
	case Restored:
		fits = fits && !s.Exists && s.Version > 0
	default:
		return State{}, fmt.Errorf("position %d: the type %q is unknown", e.Seq, e.Type)
	}
	if !fits {
		return State{}, fmt.Errorf("position %d: %s version %d of %q cannot follow version %d (exists: %t, value %q)",
			e.Seq, e.Type, e.Version, e.Name, s.Version, s.Exists, s.Value)
	}
	return next, nil
}

// History is a gapless sequence of events from position 1 on.
type History struct {
	events []Event
	byName map[string][]change // :: name → its changes, oldest first
	set    int64               // where the change set ends that is not whole yet; 0: all are whole
}

// change is what one event made of its name.
type change struct {
	seq int64
	state    State
}

// New returns an empty history.
func New() *History { return &History{byName: map[string][]change{}} }

// Append adds the next event. The error says which law of the history it breaks.
func (h *History) Append(e Event) error {
	head := h.Head()
	switch {
	case e.Seq != head+1:
		return fmt.Errorf("position %d follows position %d", e.Seq, head)
	case head > 0 && !e.At.After(h.events[head-1].At):
		return fmt.Errorf("position %d: its time is not after that of the position before", e.Seq)
	case e.ChangeSet < e.Seq || h.set != 0 && e.ChangeSet != h.set:
		return fmt.Errorf("position %d: its change set cannot end at %d", e.Seq, e.ChangeSet)
	}
	next, err := h.State(e.Name, head).Next(&e)
	if err != nil {
		return err
	}
	h.set = e.ChangeSet
	if e.ChangeSet == e.Seq {
		h.set = 0
	}
	h.events = append(h.events, e)
	h.byName[e.Name] = append(h.byName[e.Name], change{e.Seq, next})
	return nil
}

// Whole is an error when the newest change set is not whole.
func (h *History) Whole() error {
	if h.set != 0 {
		return fmt.Errorf("the history ends at position %d, in the middle of the change set that ends at %d", h.Head(), h.set)
	}
	return nil
}

// Head is the newest position.
func (h *History) Head() int64 { return int64(len(h.events)) }

// Event is the one at a position, nil when there is none.
func (h *History) Event(position int64) *Event {
	if position < 1 || position > h.Head() {
		return nil
	}
	return &h.events[position-1]
}

// Between returns the events after a position, up to another one, whose names a prefix selects.
func (h *History) Between(after, upTo int64, prefix string) []*Event {
	var found []*Event
	for p := after + 1; p <= min(upTo, h.Head()); p++ {
		if e := h.Event(p); Selects(prefix, e.Name) {
			found = append(found, e)
		}
	}
	return found
}

// Of returns the events of a name up to a position, oldest first.
func (h *History) Of(name string, upTo int64) []*Event {
	var found []*Event
	for _, c := range h.byName[name] {
		if c.seq <= upTo {
			found = append(found, h.Event(c.seq))
		}
	}
	return found
}

// Has tells whether the history has an event with a hash at a position; it has the beginning.
func (h *History) Has(position int64, hash string) bool {
	if position == 0 {
		return true
	}
	e := h.Event(position)
	return e != nil && e.Hash == hash
}

// Common is the newest position that two histories have in common.
func (h *History) Common(other *History) int64 {
	position := int64(0)
	for position < min(h.Head(), other.Head()) && h.Event(position+1).Hash == other.Event(position+1).Hash {
		position++
	}
	return position
}

// State is that of a name right after a position.
func (h *History) State(name string, position int64) State {
	changes := h.byName[name]
	i, found := slices.BinarySearchFunc(changes, position, func(c change, p int64) int { return cmp.Compare(c.seq, p) })
	if found {
		return changes[i].state
	}
	if i == 0 {
		return State{}
	}
	return changes[i-1].state
}

// Values are the configs that exist right after a position and that a prefix selects.
func (h *History) Values(prefix string, position int64) map[string]string {
	values := map[string]string{}
	for name := range maps.Keys(h.byName) {
		if !Selects(prefix, name) {
			continue
		}
		if s := h.State(name, position); s.Exists {
			values[name] = s.Value
		}
	}
	return values
}

// Selects tells whether a prefix, whole leading segments of a name, selects a name. "" selects all.
func Selects(prefix, name string) bool {
	return prefix == "" || name == prefix || strings.HasPrefix(name, prefix+"/")
}
