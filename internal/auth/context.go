package auth

import "context"

type contextKey struct{}

// callerContext is a context of a request, and its caller. It is one allocation where
// [context.WithValue] makes two: see BenchmarkReads of internal/edgetest.
type callerContext struct {
	context.Context
	caller Caller
}

// Value implements [context.Context].
func (c *callerContext) Value(key any) any {
	if key == (contextKey{}) {
		return &c.caller
	}
	return c.Context.Value(key)
}

// NewContext returns a context of a request that a caller has sent. Edges take the caller from
// there, see [FromContext], and hand it to the config store as an argument.
func NewContext(ctx context.Context, caller Caller) context.Context {
	return &callerContext{ctx, caller}
}

// FromContext returns the caller of a request, [Anonymous] when nobody has said who calls.
func FromContext(ctx context.Context) Caller {
	if caller, ok := ctx.Value(contextKey{}).(*Caller); ok {
		return *caller
	}
	return Anonymous
}
