// Package requestid carries the id of the request that is being served from the server, which gives it, to whoever answers
// or logs. A client that quotes the id of an answer leads to the lines of the log.
package requestid

import "context"

// Header is the HTTP header, in its canonical form, that carries an id from a client and back to it.
const Header = "X-Request-Id"

// Context is a context with an id. It can be part of something bigger that is made for each request, which then costs less
// than [With] does.
type Context struct {
	context.Context
	ID string
}

type key struct{}

// Value answers [From].
func (c *Context) Value(asked any) any {
	if asked == (key{}) {
		return c
	}
	return c.Context.Value(asked)
}

// With returns a context that carries an id.
func With(ctx context.Context, id string) context.Context { return &Context{ctx, id} }

// From returns the id that a context carries, "" when it carries none.
func From(ctx context.Context) string {
	if c, ok := ctx.Value(key{}).(*Context); ok {
		return c.ID
	}
	return ""
}
