package graph

import (
	"bytes"
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/object"
	"configapi/graph/transport"
	"configapi/internal/config"
)

// A look-up is a query for nothing but plain fields of present configs by name, such as
//
//	query($name: ConfigName!) { config(name: $name) { value version } }
//
// It is what most clients read, and gqlgen takes 70 allocations to execute it. So look-ups that
// succeed are answered here, with the bytes that gqlgen writes (TestLookUps), in a third of the
// time (BenchmarkConfig). All else is left to gqlgen, also a look-up that fails.

// isLookUp reports whether a valid operation is a look-up.
func isLookUp(op *ast.OperationDefinition) bool {
	return op.Operation == ast.Query && arePlain(op.SelectionSet, func(f *ast.Field) bool {
		return f.Name == "config" && len(f.Arguments) == 1 && plainConfig.has(f.SelectionSet)
	})
}

// lookUp answers a look-up. It returns nil when that would be an error.
func (r *resolver) lookUp(ctx context.Context, op *graphql.OperationContext) *graphql.Response {
	reader, err := r.store.Reader(r.caller(ctx))
	if err != nil {
		return nil
	}
	fields := op.Operation.SelectionSet
	found := make([]*object.Config, len(fields))
	size := int64(len(`{}`))
	for i, selection := range fields {
		field := selection.(*ast.Field)
		name, err := config.ParseName(argument(op, field.Arguments, "name"))
		if err != nil {
			return nil
		}
		found[i] = object.NewConfig(reader.Config(name), nil)
		size += lookUpSize(field, found[i])
	}
	if err := transport.AnswerOf(ctx).Count(ctx, size); err != nil {
		return &graphql.Response{} // the transport says why: the answer was given up
	}
	var data bytes.Buffer
	data.Grow(int(size))
	for i, selection := range fields {
		field := selection.(*ast.Field)
		writeName(&data, i, field)
		if found[i] == nil {
			graphql.Null.MarshalGQL(&data)
		} else {
			plainConfig.write(&data, found[i], field.SelectionSet)
		}
	}
	data.WriteByte('}')
	return &graphql.Response{Data: data.Bytes()}
}

// lookUpSize returns the size of one field of a look-up, or a little more.
func lookUpSize(field *ast.Field, found *object.Config) int64 {
	size := int64(len(field.Alias) + fieldSyntax)
	if found == nil {
		return size + sizeOf(nil)
	}
	return size + plainConfig.size(found, field.SelectionSet)
}
