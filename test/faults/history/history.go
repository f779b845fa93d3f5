// Package history is the reference model of the suite: the events of a history as the tables hold
// them, and the state that follows from them at each seq. It shares no code with the product, so
// that it does not share mistakes either.
package history

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The types of events, as in the column type.
const (
	Set      = "ConfigValueSet"
	Deleted  = "ConfigValueDeleted"
	Restored = "ConfigValueRestored"
)

// tokenPrefix begins the names of the events about tokens, which no name of a config begins with.
// They have no state here.
const tokenPrefix = "$token/"

// Event is a row of the table events. Values are digests, as [Digest] returns them.
type Event struct {
	Seq       int64
	ChangeSet int64
	Hash      string // its first 8 hex digits
	Name      string
	Version   int
	Type      string
	Value     string // "" for a deletion
	Reason    string // "" for none
	Reverts   string // the position of the change set that it undoes, "" for none
	At        time.Time
}

// State is the state of a name. The zero State is that of a name without events.
type State struct {
	Version int
	Exists  bool
	Value   string // the last value, also after a deletion
}

// Next returns the state after an event, or an error when the event cannot follow.
func (s State) Next(e *Event) (State, error) {
	fits := e.Version == s.Version+1
	next := State{e.Version, true, e.Value}
	switch e.Type {
	case Set:
		fits = fits && (s.Exists || s.Version == 0)
	case Deleted:
		fits = fits && s.Exists
		next.Exists, next.Value = false, s.Value
	case Restored:
		fits = fits && !s.Exists && s.Version > 0
	default:
		return State{}, fmt.Errorf("seq %d: the type %q is unknown", e.Seq, e.Type)
	}
	if !fits {
		return State{}, fmt.Errorf("seq %d: %s version %d of %q cannot follow version %d (exists: %t, value %q)",
			e.Seq, e.Type, e.Version, e.Name, s.Version, s.Exists, s.Value)
	}
	return next, nil
}

// History is a sequence of events without gaps, from seq 1 on.
type History struct {
	events []Event
	byName map[string][]change // :: name → its changes, oldest first
	set    int64               // the last seq of an incomplete change set; 0: all are complete
}

// change is the state of a name after one event.
type change struct {
	seq   int64
	state State
}

// New returns an empty history.
func New() *History { return &History{byName: map[string][]change{}} }

// Append adds the next event. It returns an error when the event breaks a law of the history.
func (h *History) Append(e Event) error {
	head := h.Head()
	switch {
	case e.Seq != head+1:
		return fmt.Errorf("seq %d follows seq %d", e.Seq, head)
	case head > 0 && !e.At.After(h.events[head-1].At):
		return fmt.Errorf("seq %d: its time is not after that of the event before", e.Seq)
	case e.ChangeSet < e.Seq || h.set != 0 && e.ChangeSet != h.set:
		return fmt.Errorf("seq %d: its change set cannot end at %d", e.Seq, e.ChangeSet)
	}
	next, err := State{}, error(nil)
	if !strings.HasPrefix(e.Name, tokenPrefix) {
		next, err = h.State(e.Name, head).Next(&e)
	}
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

// Whole returns an error when the newest change set is incomplete.
func (h *History) Whole() error {
	if h.set != 0 {
		return fmt.Errorf("the history ends at seq %d, in the middle of the change set that ends at %d", h.Head(), h.set)
	}
	return nil
}

// Head is the newest seq, 0 when the history is empty.
func (h *History) Head() int64 { return int64(len(h.events)) }

// Event returns the event with a seq, nil when there is none.
func (h *History) Event(seq int64) *Event {
	if seq < 1 || seq > h.Head() {
		return nil
	}
	return &h.events[seq-1]
}

// Between returns the events after one seq and up to another whose names match a prefix.
func (h *History) Between(after, upTo int64, prefix string) []*Event {
	var found []*Event
	for p := after + 1; p <= min(upTo, h.Head()); p++ {
		if e := h.Event(p); Selects(prefix, e.Name) {
			found = append(found, e)
		}
	}
	return found
}

// Of returns the events of a name up to a seq, oldest first.
func (h *History) Of(name string, upTo int64) []*Event {
	var found []*Event
	for _, c := range h.byName[name] {
		if c.seq <= upTo {
			found = append(found, h.Event(c.seq))
		}
	}
	return found
}

// Has reports whether the event with a seq has the given hash. Every history has the seq 0.
func (h *History) Has(seq int64, hash string) bool {
	if seq == 0 {
		return true
	}
	e := h.Event(seq)
	return e != nil && e.Hash == hash
}

// Common returns the newest seq up to which two histories are equal.
func (h *History) Common(other *History) int64 {
	seq := int64(0)
	for seq < min(h.Head(), other.Head()) && h.Event(seq+1).Hash == other.Event(seq+1).Hash {
		seq++
	}
	return seq
}

// State returns the state of a name right after a seq.
func (h *History) State(name string, seq int64) State {
	changes := h.byName[name]
	i, found := slices.BinarySearchFunc(changes, seq, func(c change, p int64) int { return cmp.Compare(c.seq, p) })
	if found {
		return changes[i].state
	}
	if i == 0 {
		return State{}
	}
	return changes[i-1].state
}

// Values returns the configs that exist right after a seq and whose names match a prefix.
func (h *History) Values(prefix string, seq int64) map[string]string {
	values := map[string]string{}
	for name := range maps.Keys(h.byName) {
		if !Selects(prefix, name) {
			continue
		}
		if s := h.State(name, seq); s.Exists {
			values[name] = s.Value
		}
	}
	return values
}

// Selects reports whether the name of a config matches a prefix of whole leading segments. ""
// matches all configs.
func Selects(prefix, name string) bool {
	if strings.HasPrefix(name, tokenPrefix) {
		return false
	}
	return prefix == "" || name == prefix || strings.HasPrefix(name, prefix+"/")
}

// longest is the greatest length of a value that is its own digest.
const longest = 120

// Digest returns a short text that stands for a value. A short value is its own digest. The digest
// of a long value has its beginning, its length and a part of its SHA-256. It saves memory, and
// keeps findings legible.
func Digest(value string) string {
	if len(value) <= longest {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return fmt.Sprintf("%s…%d bytes, %s", value[:40], len(value), hex.EncodeToString(sum[:8]))
}
