package checker

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// action is the input of an operation: a write, or a linearizable read of one config.
type action struct {
	read     bool
	kind     record.Kind
	value    string
	last     bool // the value is the last one
	expected *int
}

// answer is the output of an operation.
type answer struct {
	refusal record.Refusal // 0: done
	version int            // not compared after a refusal, unless it is a version conflict
	found   bool           // of a read
	value   string         // of a read
}

// model is one config: the state of a name.
var model = porcupine.Model{
	Init: func() any { return history.State{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(history.State), input.(action), output.(answer)
		if in.read {
			return out.found == s.Exists && (!s.Exists || out.value == s.Value && out.version == s.Version), s
		}
		refusal, next := decide(s, in)
		switch {
		case refusal != out.refusal:
			return false, s
		case refusal == record.Conflict:
			return out.version == s.Version, s
		case refusal != 0:
			return true, s
		}
		return out.version == next.Version, next
	},
}

// decide returns the outcome of a write. The checks for a missing or deleted config come before the
// check of the version.
func decide(s history.State, in action) (record.Refusal, history.State) {
	next := history.State{Version: s.Version + 1, Exists: true, Value: in.value}
	if in.last {
		next.Value = s.Value
	}
	switch in.kind {
	case record.Set:
		if !s.Exists && s.Version > 0 {
			return record.Gone, s
		}
	case record.Delete:
		if s.Version == 0 {
			return record.NotFound, s
		}
		if !s.Exists {
			return record.Gone, s
		}
		next.Exists, next.Value = false, s.Value
	case record.Restore:
		if s.Version == 0 {
			return record.NotFound, s
		}
		if s.Exists {
			return record.NotDeleted, s
		}
	}
	if in.expected != nil && *in.expected != s.Version {
		return record.Conflict, s
	}
	return 0, next
}

// linearizable checks each name separately.
//
// A write of unknown outcome is open: it may take effect at any time from its call to the end. The
// history shows whether it did. When it is not in the final history it had no effect, because no
// append can arrive any more. The same holds for writes that the server reported as not written.
func linearizable(seen Seen, c claims, patience time.Duration) (illegal []Finding, undecided []string) {
	found := findings{promise: "writes of one name are linearizable"}
	deadline := time.Now().Add(patience)
	operations := operationsByName(seen, c)
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		left := max(time.Until(deadline), time.Millisecond) // 0 would mean no limit
		switch porcupine.CheckOperationsTimeout(model, operations[name], left) {
		case porcupine.Illegal:
			found.add("the %d operations on %q are in no order that explains their answers", len(operations[name]), name)
		case porcupine.Unknown:
			undecided = append(undecided, name)
		}
	}
	return found.all(), undecided
}

func actionOf(w *record.Write) action {
	return action{kind: w.Kind, value: w.Value, last: w.Last, expected: w.Expected}
}

func operationsByName(seen Seen, c claims) map[string][]porcupine.Operation {
	operations := map[string][]porcupine.Operation{}
	add := func(name string, client int, span record.Span, in action, out answer) {
		operations[name] = append(operations[name], porcupine.Operation{
			ClientId: client, Input: in, Call: int64(span.Call), Output: out, Return: int64(span.Return),
		})
	}
	for _, w := range seen.Writes {
		in := actionOf(w)
		switch event := c.events[w]; {
		case w.Refusal == record.Together: // says nothing of this name
		case w.Outcome == record.Done || w.Outcome == record.Refused:
			add(w.Name, w.Client, w.Span, in, answer{refusal: w.Refusal, version: w.Version})
		case event != nil:
			add(w.Name, w.Client, record.Span{Call: w.Call, Return: math.MaxInt64}, in, answer{version: event.Version})
		}
	}
	for _, r := range seen.Reads {
		if r.Linearizable && r.Name != "" {
			add(r.Name, r.Client, r.Span, action{read: true}, answer{version: r.Version, found: r.Found, value: r.Value})
		}
	}
	return operations
}
