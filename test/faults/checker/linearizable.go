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
	expected *int
}

// answer is the output of an operation.
type answer struct {
	refusal record.Refusal // 0: done
	version int            // of a refusal other than of a version: not looked at
	found   bool           // of a read
	value   string         // of a read
}

// model is one config: a name with its state.
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

// judge says what a write comes to: what is missing or deleted comes before versions.
func decide(s history.State, in action) (record.Refusal, history.State) {
	next := history.State{Version: s.Version + 1, Exists: true, Value: in.value}
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

// linearizable checks each name by itself. A write of unknown outcome is open: it may have taken effect at any time from its
// call to the end, and whether it has, the history tells. One that the history does not have by the end, when nothing of
// it can come any more, has had no effect, and so has what the server called not written.
func linearizable(seen Seen, c claims, patience time.Duration) (illegal []Finding, undecided []string) {
	found := findings{promise: "writes of one name are linearizable"}
	deadline := time.Now().Add(patience)
	operations := operationsByName(seen, c)
	for _, name := range slices.Sorted(maps.Keys(operations)) {
		left := max(time.Until(deadline), time.Millisecond) // 0 would be no limit at all
		switch porcupine.CheckOperationsTimeout(model, operations[name], left) {
		case porcupine.Illegal:
			found.add("the %d operations on %q are in no order that explains their answers", len(operations[name]), name)
		case porcupine.Unknown:
			undecided = append(undecided, name)
		}
	}
	return found.all(), undecided
}

func operationsByName(seen Seen, c claims) map[string][]porcupine.Operation {
	operations := map[string][]porcupine.Operation{}
	add := func(name string, client int, span record.Span, in action, out answer) {
		operations[name] = append(operations[name], porcupine.Operation{
			ClientId: client, Input: in, Call: int64(span.Call), Output: out, Return: int64(span.Return),
		})
	}
	for _, w := range seen.Writes {
		in := action{kind: w.Kind, value: w.Value, expected: w.Expected}
		switch event := c.events[w]; {
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
