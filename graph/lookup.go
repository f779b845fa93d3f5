package graph

import (
	"bytes"
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/encode"
	"configapi/graph/object"
	"configapi/graph/transport/bounds"
	"configapi/internal/config"
)

// lookUp returns what executes a query of configs by name alone: see [encode.Lookups].
func (e *executor) lookUp(op *graphql.OperationContext, lookups encode.Lookups) graphql.ResponseHandler {
	return func(ctx context.Context) *graphql.Response {
		if ctx.Err() != nil {
			return nil
		}
		if response := e.resolver.lookUp(ctx, op, lookups); response != nil {
			return response
		}
		next, ctx := e.execute(graphql.WithOperationContext(ctx, op), op, nil)
		return next(ctx)
	}
}

// lookUp answers a query of configs by name. It returns nil when the answer would have an error:
// gqlgen executes the query then.
func (r *resolver) lookUp(ctx context.Context, op *graphql.OperationContext, lookups encode.Lookups) *graphql.Response {
	reader, err := r.store.Reader(r.caller(ctx))
	if err != nil {
		return nil
	}
	found := make([]*object.Config, len(lookups))
	for i, lookup := range lookups {
		name, err := config.ParseName(argument(op, lookup.Field.Arguments, "name"))
		if err != nil {
			return nil
		}
		found[i] = object.NewConfig(reader.Config(name), nil)
	}
	size := lookups.Size(found)
	if err := bounds.AnswerOf(ctx).Count(ctx, size); err != nil {
		return &graphql.Response{} // the answer was given up: the transport says why
	}
	return &graphql.Response{Data: encoded(size, func(w io.Writer) { lookups.Write(w, found) })}
}

// encoded returns what write writes, which has about so many bytes.
func encoded(size int64, write func(io.Writer)) []byte {
	var data bytes.Buffer
	data.Grow(int(size))
	if size < minSized {
		write(&data)
	} else {
		write(&yieldingBuffer{buffer: &data})
	}
	return data.Bytes()
}
