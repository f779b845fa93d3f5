package checker

import (
	"cmp"
	"math"
	"slices"
	"time"

	"configapi/test/faults/record"
)

// order checks the one order over the whole store: a write that ended before another began has the
// smaller seq. A write of unknown outcome has no end, but it was not made before it was requested.
func order(writes []*record.Write, c claims) []Finding {
	found := findings{promise: "one order over the whole store"}
	byCall := slices.Clone(writes)
	slices.SortFunc(byCall, func(a, b *record.Write) int { return cmp.Compare(a.Call, b.Call) })
	byReturn := slices.Clone(writes)
	slices.SortFunc(byReturn, func(a, b *record.Write) int { return cmp.Compare(end(a), end(b)) })

	var newest *record.Write // the write with the greatest seq of those that ended before the call
	ended := 0
	for _, w := range byCall {
		for ; ended < len(byReturn) && end(byReturn[ended]) < w.Call; ended++ {
			if e := c.events[byReturn[ended]]; e != nil && (newest == nil || e.Seq > c.events[newest].Seq) {
				newest = byReturn[ended]
			}
		}
		if e := c.events[w]; e != nil && newest != nil && e.Seq < c.events[newest].Seq {
			found.add("%s is at seq %d, before %s, which had ended when it began", w, e.Seq, newest)
		}
	}
	return found.all()
}

// end returns the time by which a write had certainly ended.
func end(w *record.Write) time.Duration {
	if w.Outcome == record.Unknown {
		return math.MaxInt64
	}
	return w.Return
}
