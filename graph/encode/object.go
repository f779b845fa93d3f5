package encode

import (
	"io"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// objectType is an object type of the schema with those of its fields that are in memory.
type objectType[T any] struct {
	conditions []string // the type conditions of fragments that apply to it
	fields     map[string]fieldType[T]
}

// fieldType compiles what is selected below a field into the encoder of the field. It returns nil
// when gqlgen must execute what is selected.
type fieldType[T any] func(below ast.SelectionSet) *valueEncoder[T]

// valueEncoder writes the value of one field of an object.
type valueEncoder[T any] struct {
	size  func(*T) int64 // of the value as JSON, or a little more
	write func(io.Writer, *T)
}

// objectEncoder writes objects with the fields of one selection set. It has at least one field.
type objectEncoder[T any] []fieldEncoder[T]

// fieldEncoder writes a field under its name in the response.
type fieldEncoder[T any] struct {
	before string // what is written before the value: see [beforeValue]
	value  *valueEncoder[T]
}

// compile returns the encoder of a selection set, nil when gqlgen must execute it.
func (t objectType[T]) compile(set ast.SelectionSet) objectEncoder[T] {
	fields, ok := collect(set, t.conditions)
	if !ok {
		return nil
	}
	encoder := make(objectEncoder[T], len(fields))
	for i, selection := range fields {
		field := selection.(*ast.Field)
		fieldType, inMemory := t.fields[field.Name]
		if !inMemory {
			return nil
		}
		value := fieldType(field.SelectionSet)
		if value == nil {
			return nil
		}
		encoder[i] = fieldEncoder[T]{beforeValue(i, field.Alias), value}
	}
	return encoder
}

// collect returns the fields that a selection set of a valid document selects of an object, in the
// order of the response. The object's type fulfils the type conditions named. It reports false when
// there are none, or when the set has directives, fragments within fragments, or selections to be
// merged.
func collect(set ast.SelectionSet, conditions []string) (ast.SelectionSet, bool) {
	collected := make(ast.SelectionSet, 0, len(set))
	for _, selection := range set {
		var condition string
		var fields ast.SelectionSet
		var directives ast.DirectiveList
		switch selection := selection.(type) {
		case *ast.Field:
			fields = ast.SelectionSet{selection}
		case *ast.InlineFragment:
			condition, fields, directives = selection.TypeCondition, selection.SelectionSet, selection.Directives
		case *ast.FragmentSpread:
			f := selection.Definition
			condition, fields, directives = f.TypeCondition, f.SelectionSet, selection.Directives
		}
		if len(directives) > 0 {
			return nil, false
		}
		if condition != "" && !slices.Contains(conditions, condition) {
			continue
		}
		for _, selection := range fields {
			field, ok := selection.(*ast.Field)
			if !ok || len(field.Directives) > 0 {
				return nil, false
			}
			switch {
			case !hasName(collected, field.Alias):
				collected = append(collected, field)
			case len(field.SelectionSet) > 0: // else it is the same field once more
				return nil, false
			}
		}
	}
	return collected, len(collected) > 0
}

// hasName reports whether one of the fields has a response name.
func hasName(fields ast.SelectionSet, name string) bool {
	return slices.ContainsFunc(fields, func(s ast.Selection) bool { return s.(*ast.Field).Alias == name })
}

// size returns the length of an object as JSON in bytes, or a little more. nil is null.
func (e objectEncoder[T]) size(object *T) int64 {
	if object == nil {
		return nullSize
	}
	size := int64(len(`{}`))
	for _, field := range e {
		size += int64(len(field.before)) + field.value.size(object)
	}
	return size
}

// write writes an object. nil is null.
func (e objectEncoder[T]) write(w io.Writer, object *T) {
	if object == nil {
		graphql.Null.MarshalGQL(w)
		return
	}
	for _, field := range e {
		_, _ = io.WriteString(w, field.before)
		field.value.write(w, object)
	}
	_, _ = io.WriteString(w, "}")
}

// beforeValue returns the name of an object's field at an index, and what is around the name: the
// brace that opens the object, or a comma, and the colon.
func beforeValue(index int, name string) string {
	if index == 0 {
		return `{"` + name + `":`
	}
	return `,"` + name + `":`
}
