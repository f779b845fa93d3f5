package configstore

import "configapi/internal/eventstore"

// asked is when receipts were looked up: not before this head was applied, and for the first requests of a batch alone.
type asked struct {
	head     eventstore.Head
	requests int
}

// covers reports whether a receipt of a request would have been found that there was at another head.
func (a asked) covers(request int, head eventstore.Head) bool {
	return request < a.requests && a.head.Same(head)
}

// findLate looks again for the receipts of requests that were refused. Another node may have carried out the same request
// after its key was looked up and before it was judged here. The refusal then only says what that has changed, such as the
// version, and the caller is to hear the first outcome.
func (w *writer) findLate(requests []*request, b *batch) {
	late := make(map[*request]int) // :: request → which answer is its
	var refused []*request
	for i, a := range b.answers {
		r := requests[i]
		if a.err != nil && r.hasKey() && !b.answered(r) && !b.asked.covers(i, b.from) {
			late[r] = i
			refused = append(refused, r)
		}
	}
	if len(refused) == 0 {
		return
	}
	found, err := w.findReceipts(refused)
	if err != nil {
		err = &UnavailableError{OutcomeUnknown: true, Cause: err} // another try of it may have been carried out
	}
	if err == nil && len(found) > 0 { // it is there, but perhaps not yet where it is safe
		_, err = w.durableHead()
	}
	for _, r := range refused {
		receipt, is := found[r.key]
		switch {
		case err != nil:
			b.answers[late[r]] = answer{err: err}
		case is && receipt.RequestHash == r.hash && receipt.First <= b.from.Seq: // else it came after the refusal
			b.answers[late[r]] = answer{receipt: &receipt}
		}
	}
}
