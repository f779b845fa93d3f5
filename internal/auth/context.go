package auth

import "context"

type contextKey struct{}

// NewContext returns a context of a request that a caller has sent. Edges take the caller from
// there, see [FromContext], and hand it to the config store as an argument.
func NewContext(ctx context.Context, caller Caller) context.Context {
	return NewContextOf(ctx, &caller)
}

// NewContextOf is [NewContext] without a copy of the caller, which must not change any more.
func NewContextOf(ctx context.Context, caller *Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, caller)
}

// FromContext returns the caller of a request, [Anonymous] when nobody has said who calls.
func FromContext(ctx context.Context) Caller {
	if caller, ok := ctx.Value(contextKey{}).(*Caller); ok {
		return *caller
	}
	return Anonymous
}
