// Package requestid carries the id of the request that is being served from the server, which gives it, to whoever answers
// or logs. A client that quotes the id of an answer leads to the lines of the log.
package requestid

import (
	"context"
	"sync/atomic"
)

// Header is the HTTP header, in its canonical form, that carries an id from a client and back to it.
const Header = "X-Request-Id"

// Slot holds the id of the request that a connection serves now: requests of one connection follow
// one another. A context for each of them would cost a read 1 % of its time, since it takes a copy
// of the request: see BenchmarkServer. The zero value holds no id. It is safe for concurrent use.
type Slot struct{ id atomic.Pointer[string] }

// Set puts an id in place of the one before.
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
