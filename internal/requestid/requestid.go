// Package requestid carries the id of the request that is being served from the server, which gives it, to whoever answers
// or logs. A client that quotes the id of an answer leads to the lines of the log.
package requestid

import "context"

// Header is the HTTP header, in its canonical form, that carries an id from a client and back to it.
const Header = "X-Request-Id"

type key struct{}

// With returns a context that carries an id.
func With(ctx context.Context, id string) context.Context { return context.WithValue(ctx, key{}, id) }

// From returns the id that a context carries, "" when it carries none.
func From(ctx context.Context) string {
	id, _ := ctx.Value(key{}).(string)
	return id
}
