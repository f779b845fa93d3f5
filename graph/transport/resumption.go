package transport

import (
	"context"
	"sync"
)

// LastEventID is the id of the last item that the client of a subscription has seen on an earlier stream, by which it says where to
// go on. "": it does not say so, or its transport has no ids.
func LastEventID(ctx context.Context) string {
	if r, ok := ctx.Value(resumptionKey{}).(*resumption); ok {
		return r.last
	}
	return ""
}

// IdentifyNext gives an id to the item of a subscription that its resolver sends next: see [LastEventID]. A resolver calls it with
// the context that it was given, before it sends, for all of its items or for none. On transports without ids it does nothing.
func IdentifyNext(ctx context.Context, id string) {
	if r, ok := ctx.Value(resumptionKey{}).(*resumption); ok {
		r.add(id)
	}
}

type resumptionKey struct{}

// resumption is what makes a stream one that goes on after an earlier one, and before a later one.
type resumption struct {
	last string

	mu  sync.Mutex // guards ids
	ids []string   // of items whose responses have not been sent: the resolver may be one item ahead
}

func (r *resumption) add(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, id)
}

// take returns the id of the next response, "" when it has none.
func (r *resumption) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) == 0 {
		return ""
	}
	id := r.ids[0]
	r.ids = append(r.ids[:0], r.ids[1:]...)
	return id
}
