package graph

import (
	"bytes"
	"context"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/graph/transport"
	"configapi/internal/config"
)

// A look-up is a query for nothing but leaves of present configs by name, such as
//
//	query($name: ConfigName!) { config(name: $name) { value version } }
//
// It is what most clients read, and gqlgen takes 70 allocations to execute it. So look-ups that
// succeed are answered here, with the bytes that gqlgen writes (TestLookUps), in a quarter of the
// time (BenchmarkConfig). All else is left to gqlgen: also a look-up that fails.

// leaves are the fields of Config that a look-up may ask for.
var leaves = map[string]func(*object.Config) any{
	"__typename": func(*object.Config) any { return "Config" },
	"id":         func(c *object.Config) any { return c.ID() },
	"name":       func(c *object.Config) any { return c.Name() },
	"value":      func(c *object.Config) any { return c.Value() },
	"version":    func(c *object.Config) any { return c.Version() },
	"createdAt":  func(c *object.Config) any { return c.CreatedAt() },
	"updatedAt":  func(c *object.Config) any { return c.UpdatedAt() },
}

// marshal returns what writes the value of a leaf.
func marshal(leaf any) graphql.Marshaler {
	switch leaf := leaf.(type) {
	case int32:
		return scalar.MarshalInt(leaf)
	case time.Time:
		return scalar.MarshalDateTime(leaf)
	default:
		return graphql.MarshalString(leaf.(string))
	}
}

// isLookUp reports whether a valid operation is a look-up.
func isLookUp(op *ast.OperationDefinition) bool {
	return op.Operation == ast.Query && arePlain(op.SelectionSet, func(f *ast.Field) bool {
		return f.Name == "config" && len(f.Arguments) == 1 && arePlain(f.SelectionSet, isLeaf)
	})
}

func isLeaf(f *ast.Field) bool { return leaves[f.Name] != nil }

// arePlain reports whether selections are fields of a kind, without directives, of which no two
// have the same response name.
func arePlain(set ast.SelectionSet, is func(*ast.Field) bool) bool {
	for i, selection := range set {
		field, ok := selection.(*ast.Field)
		if !ok || len(field.Directives) > 0 || !is(field) {
			return false
		}
		for _, before := range set[:i] {
			if before.(*ast.Field).Alias == field.Alias {
				return false
			}
		}
	}
	return true
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
	writeObject(&data, fields, func(i int) { writeConfig(&data, fields[i].(*ast.Field), found[i]) })
	return &graphql.Response{Data: data.Bytes()}
}

// lookUpSize returns the size of one field of a look-up, or a little more.
func lookUpSize(field *ast.Field, found *object.Config) int64 {
	size := int64(len(field.Alias)+fieldSyntax) + sizeOf(nil)
	if found == nil {
		return size
	}
	for _, selection := range field.SelectionSet {
		below := selection.(*ast.Field)
		size += int64(len(below.Alias)+fieldSyntax) + sizeOf(leaves[below.Name](found))
	}
	return size
}

func writeConfig(w *bytes.Buffer, field *ast.Field, found *object.Config) {
	if found == nil {
		graphql.Null.MarshalGQL(w)
		return
	}
	writeObject(w, field.SelectionSet, func(i int) {
		below := field.SelectionSet[i].(*ast.Field)
		marshal(leaves[below.Name](found)).MarshalGQL(w)
	})
}

// writeObject writes an object with a member for each of the fields.
func writeObject(w *bytes.Buffer, fields ast.SelectionSet, value func(i int)) {
	for i, field := range fields {
		w.WriteByte("{,"[min(i, 1)])
		w.WriteByte('"')
		w.WriteString(field.(*ast.Field).Alias)
		w.WriteString(`":`)
		value(i)
	}
	w.WriteByte('}')
}
