package checker

import (
	"cmp"
	"math"
	"slices"
	"time"

	"configapi/test/faults/record"
)

// order checks that there is one order over the whole store: a write that ended before another began has the smaller
// position. A write whose outcome is unknown has no end, but if it was made, it was not before it was asked for.
func order(writes []*record.Write, c claims) []Finding {
	found := findings{promise: "one order over the whole store"}
	byCall := slices.Clone(writes)
	slices.SortFunc(byCall, func(a, b *record.Write) int { return cmp.Compare(a.Call, b.Call) })
	byReturn := slices.Clone(writes)
	slices.SortFunc(byReturn, func(a, b *record.Write) int { return cmp.Compare(end(a), end(b)) })

	var newest *record.Write // of those that ended before the call, the one with the greatest position
	ended := 0
	for _, w := range byCall {
		for ; ended < len(byReturn) && end(byReturn[ended]) < w.Call; ended++ {
			if e := c.events[byReturn[ended]]; e != nil && (newest == nil || e.Seq > c.events[newest].Seq) {
				newest = byReturn[ended]
			}
		}
		if e := c.events[w]; e != nil && newest != nil && e.Seq < c.events[newest].Seq {
			found.add("%s is at position %d, before %s, which had ended when it began", w, e.Seq, newest)
		}
	}
	return found.all()
}

// end is when a write had ended for sure.
func end(w *record.Write) time.Duration {
	if w.Outcome == record.Unknown {
		return math.MaxInt64
	}
	return w.Return
}
