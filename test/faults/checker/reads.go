package checker

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

// reads checks each read: it equals the replay of the history at its position, and it is as new as
// the client required.
func reads(h *history.History, seen Seen) []Finding {
	exact := findings{promise: "every read equals the replay at its position"}
	fresh := findings{promise: "no read is older than was asked for"}
	acknowledged := newAcknowledged(seen.Writes)
	for _, r := range seen.Reads {
		if problem := badPosition(h, r.Position); problem != "" {
			exact.add("a read on node %d: %s", r.Node, problem)
			continue
		}
		if problem := wrongRead(h, r); problem != "" {
			exact.add("node %d at %s: %s", r.Node, r.Position, problem)
		}
		least := r.AtLeast
		if r.Linearizable {
			least = max(least, acknowledged.before(r))
		}
		if r.Position.Seq < least {
			fresh.add("a read on node %d is of %s, although %d was known before (linearizable: %t)", r.Node, r.Position, least, r.Linearizable)
		}
	}
	return append(exact.all(), fresh.all()...)
}

// wrongRead describes how a read differs from the history at its position. It returns "" when it
// does not.
func wrongRead(h *history.History, r *record.Read) string {
	switch {
	case r.History != nil:
		return wrongHistory(h, r)
	case r.Page != nil:
		return wrongPage(h, r)
	case r.Decisions != nil:
		return wrongDecisions(h, r)
	case r.Name != "":
		if want := h.State(r.Name, r.Position.Seq); r.Found != want.Exists || r.Found && (r.Value != want.Value || r.Version != want.Version) {
			return fmt.Sprintf("it says of %q: found %t, version %d, value %q; the history has %+v", r.Name, r.Found, r.Version, r.Value, want)
		}
		return ""
	}
	want := map[string]string{}
	if r.Names == nil {
		want = h.Values(r.Prefix, r.Position.Seq)
	}
	for _, name := range r.Names {
		if s := h.State(name, r.Position.Seq); s.Exists {
			want[name] = s.Value
		}
	}
	if !maps.Equal(want, r.Values) {
		return fmt.Sprintf("it has %v below %q or of %v, the history has %v", r.Values, r.Prefix, r.Names, want)
	}
	return ""
}

// wrongPage describes what is wrong with a part of the history. It returns "" when it is right. A
// part that splits a change set is found by its position.
func wrongPage(h *history.History, r *record.Read) string {
	want := h.Between(r.After.Seq, r.Position.Seq, r.Prefix)
	if len(want) != len(r.Page) {
		return fmt.Sprintf("the page after %s has %d changes, the history has %d", r.After, len(r.Page), len(want))
	}
	for i, e := range want {
		if !same(e, r.Page[i]) {
			return fmt.Sprintf("the page after %s has %+v where the history has %+v", r.After, r.Page[i], *e)
		}
	}
	return ""
}

// wrongHistory describes what is wrong with the changes of a config up to a position. It returns ""
// when they are right.
func wrongHistory(h *history.History, r *record.Read) string {
	want := h.Of(r.Name, r.Position.Seq)
	if len(want) != len(r.History) {
		return fmt.Sprintf("the history of %q has %d changes, not %d", r.Name, len(r.History), len(want))
	}
	for i, e := range want {
		got := r.History[i]
		if got != (record.Revision{Position: record.Position{Seq: e.Seq, Hash: e.Hash}, Version: e.Version, Type: e.Type, Value: e.Value}) {
			return fmt.Sprintf("the history of %q has %+v where the history has %+v", r.Name, got, *e)
		}
	}
	return ""
}

// badPosition describes what is wrong with a position from a server. It returns "" when it is
// right.
func badPosition(h *history.History, p record.Position) string {
	e := h.Event(p.Seq)
	switch {
	case p.Seq == 0 && p.Hash == "00000000":
		return ""
	case e == nil:
		return "position " + p.String() + " is not in the history"
	case e.Hash != p.Hash:
		return "position " + p.String() + " has the hash " + e.Hash + " in the history"
	case e.ChangeSet != e.Seq:
		return "position " + p.String() + " is in the middle of a change set"
	}
	return ""
}

// acknowledged finds the newest position that was acknowledged before a given time.
type acknowledged []*record.Write // sorted by return; each has the greatest position so far

func newAcknowledged(writes []*record.Write) acknowledged {
	var a acknowledged
	for _, w := range writes {
		if w.Outcome == record.Done {
			a = append(a, w)
		}
	}
	slices.SortFunc(a, func(x, y *record.Write) int { return cmp.Compare(x.Return, y.Return) })
	for i := 1; i < len(a); i++ {
		if a[i].Position.Seq < a[i-1].Position.Seq {
			newer := *a[i]
			newer.Position = a[i-1].Position
			a[i] = &newer
		}
	}
	return a
}

// before returns the newest seq that was acknowledged before a read began.
func (a acknowledged) before(r *record.Read) int64 {
	i, _ := slices.BinarySearchFunc(a, r.Call, func(w *record.Write, call time.Duration) int { return cmp.Compare(w.Return, call) })
	if i == 0 {
		return math.MinInt64
	}
	return a[i-1].Position.Seq
}
