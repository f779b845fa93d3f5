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

// lookUp is one field of a look-up.
type lookUp struct {
	field   *ast.Field
	outline outline[object.Config]
}

// lookUpsOf returns the fields of a valid operation that is a look-up, nil of any other.
func lookUpsOf(op *ast.OperationDefinition) []lookUp {
	if op.Operation != ast.Query {
		return nil
	}
	fields, ok := flatten(op.SelectionSet, []string{"Query"})
	if !ok {
		return nil
	}
	lookUps := make([]lookUp, len(fields))
	for i, selection := range fields {
		field := selection.(*ast.Field)
		if field.Name != "config" || len(field.Arguments) != 1 {
			return nil
		}
		if lookUps[i] = (lookUp{field, plainConfig.outline(field.SelectionSet)}); lookUps[i].outline == nil {
			return nil
		}
	}
	return lookUps
}

// lookUp answers a look-up. It returns nil when that would be an error.
func (r *resolver) lookUp(ctx context.Context, op *graphql.OperationContext, lookUps []lookUp) *graphql.Response {
	reader, err := r.store.Reader(r.caller(ctx))
	if err != nil {
		return nil
	}
	found := make([]*object.Config, len(lookUps))
	size := int64(len(`{}`))
	for i, l := range lookUps {
		name, err := config.ParseName(argument(op, l.field.Arguments, "name"))
		if err != nil {
			return nil
		}
		found[i] = object.NewConfig(reader.Config(name), nil)
		size += int64(len(l.field.Alias)+fieldSyntax) + l.outline.size(found[i])
	}
	if err := transport.AnswerOf(ctx).Count(ctx, size); err != nil {
		return &graphql.Response{} // the transport says why: the answer was given up
	}
	var data bytes.Buffer
	data.Grow(int(size))
	for i, l := range lookUps {
		writeName(&data, i, l.field.Alias)
		l.outline.write(&data, found[i])
	}
	data.WriteByte('}')
	return &graphql.Response{Data: data.Bytes()}
}
