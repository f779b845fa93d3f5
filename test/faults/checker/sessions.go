package checker

import (
	"cmp"
	"slices"

	"configapi/test/faults/record"
)

// sessions checks the requests of one client to one process, in order: positions never go back, and
// a client reads its own writes.
func sessions(seen Seen) []Finding {
	type session struct {
		client int
		where  record.Where
	}
	type answer struct {
		record.Span
		seq  int64
		what string
	}
	found := findings{promise: "positions never go back on one server"}
	answers := map[session][]answer{}
	for _, w := range seen.Writes {
		if w.Outcome == record.Done && w.Incarnation != record.Unsure {
			s := session{w.Client, w.Where}
			answers[s] = append(answers[s], answer{w.Span, w.Position.Seq, "write " + w.ID})
		}
	}
	for _, r := range seen.Reads {
		if r.Incarnation != record.Unsure && !r.Past {
			s := session{r.Client, r.Where}
			answers[s] = append(answers[s], answer{r.Span, r.Position.Seq, "read of " + cmp.Or(r.Name, r.Prefix)})
		}
	}
	for s, list := range answers {
		// The changes of one set have one time.
		slices.SortFunc(list, func(a, b answer) int { return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.seq, b.seq)) })
		for i := 1; i < len(list); i++ {
			if before, after := list[i-1], list[i]; after.seq < before.seq {
				found.add("client %d on node %d: %s at %d, after %s at %d", s.client, s.where.Node, after.what, after.seq, before.what, before.seq)
			}
		}
	}
	return found.all()
}
