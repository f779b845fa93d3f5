// Package requestid carries the id of a request from the HTTP server, which gives it, to the code
// that answers and logs. A client can quote the id of an answer, which leads to the lines of the
// log.
package requestid

import (
	"context"
	"sync/atomic"
)

// Header is the HTTP header, in its canonical form, that carries an id from a client and back to
// it.
const Header = "X-Request-Id"

// Slot holds the id of the request that a connection serves. A connection serves one request at a
// time. A context for each request would cost a read 1 % of its time, since it needs a copy of the
// request: see BenchmarkServer. The zero value holds no id. It is safe for concurrent use.
type Slot struct{ id atomic.Pointer[string] }

// Set replaces the id.
func (s *Slot) Set(id *string) { s.id.Store(id) }

type key struct{}

// With returns a context of a connection whose requests have their ids in the slot.
func With(ctx context.Context, slot *Slot) context.Context {
	return context.WithValue(ctx, key{}, slot)
}

// From returns the id of the request that the context belongs to, "" when there is none. It must
// not be called after the request was answered.
func From(ctx context.Context) string {
	if slot, ok := ctx.Value(key{}).(*Slot); ok {
		if id := slot.id.Load(); id != nil {
			return *id
		}
	}
	return ""
}
