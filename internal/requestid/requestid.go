// Package requestid carries the id of the request that is being served from the server, which gives it, to whoever answers
// or logs. A client that quotes the id of an answer leads to the lines of the log.
package requestid

import "context"

// Header is the HTTP header, in its canonical form, that carries an id from a client and back to it.
const Header = "X-Request-Id"

// carrier is a context with an id.
type carrier struct {
	context.Context
	id string
}

type key struct{}

// Value answers [From].
func (c *carrier) Value(asked any) any {
	if asked == (key{}) {
		return c
	}
	return c.Context.Value(asked)
}

// With returns a context that carries an id. It holds on to nothing else, so a websocket may keep it for long.
func With(ctx context.Context, id string) context.Context { return &carrier{ctx, id} }

// From returns the id that a context carries, "" when it carries none.
func From(ctx context.Context) string {
	if c, ok := ctx.Value(key{}).(*carrier); ok {
		return c.id
	}
	return ""
}
