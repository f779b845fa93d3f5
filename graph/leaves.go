package graph

import (
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/object"
	"configapi/graph/scalar"
)

// Configs and revisions of which only leaves are asked for, without fragments and directives, are
// written directly. gqlgen takes a goroutine for each object of a list, and 13 allocations for each
// field of it: see BenchmarkConfigs. The bytes are those that gqlgen writes: see TestLeaves.

// leaf is a field without fields below it, which cannot fail.
type leaf[T any] struct {
	size  func(*T) int64 // of its value in the answer, or a little more
	write func(*T, io.Writer)
}

// leaves are those of one type. What is not among them is left to gqlgen.
type leaves[T any] map[string]leaf[T] // :: name of the field → leaf

var configLeaves = leaves[object.Config]{
	"__typename": text(func(*object.Config) string { return "Config" }),
	"id":         text((*object.Config).ID),
	"name":       text((*object.Config).Name),
	"value":      text((*object.Config).Value),
	"version":    short((*object.Config).Version, scalar.MarshalInt),
	"createdAt":  short((*object.Config).CreatedAt, scalar.MarshalDateTime),
	"updatedAt":  short((*object.Config).UpdatedAt, scalar.MarshalDateTime),
}

var revisionLeaves = leaves[object.ConfigRevision]{
	"__typename":  text(func(*object.ConfigRevision) string { return "ConfigRevision" }),
	"id":          text((*object.ConfigRevision).ID),
	"name":        text((*object.ConfigRevision).Name),
	"operation":   short((*object.ConfigRevision).Operation, scalar.MarshalConfigOperation),
	"value":       optional((*object.ConfigRevision).Value),
	"version":     short((*object.ConfigRevision).Version, scalar.MarshalInt),
	"position":    short((*object.ConfigRevision).Position, scalar.MarshalPosition),
	"changeSet":   short((*object.ConfigRevision).ChangeSet, scalar.MarshalPosition),
	"committedAt": short((*object.ConfigRevision).CommittedAt, scalar.MarshalDateTime),
	"actor":       optional((*object.ConfigRevision).Actor),
	"reason":      optional((*object.ConfigRevision).Reason),
}

func text[T any](of func(*T) string) leaf[T] {
	return leaf[T]{
		size:  func(v *T) int64 { return quotedSize(of(v)) },
		write: func(v *T, w io.Writer) { graphql.MarshalString(of(v)).MarshalGQL(w) },
	}
}

// optional is a text that may be null.
func optional[T any](of func(*T) *string) leaf[T] {
	return leaf[T]{
		size: func(v *T) int64 { return sizeOf(of(v)) },
		write: func(v *T, w io.Writer) {
			if text := of(v); text != nil {
				graphql.MarshalString(*text).MarshalGQL(w)
			} else {
				graphql.Null.MarshalGQL(w)
			}
		},
	}
}

// short is a scalar of at most shortSize bytes.
func short[T, V any](of func(*T) V, marshal func(V) graphql.Marshaler) leaf[T] {
	return leaf[T]{
		size:  func(*T) int64 { return shortSize },
		write: func(v *T, w io.Writer) { marshal(of(v)).MarshalGQL(w) },
	}
}

// have reports whether selections are nothing but leaves, each with a response name of its own.
func (l leaves[T]) have(set ast.SelectionSet) bool {
	return arePlain(set, func(f *ast.Field) bool { _, is := l[f.Name]; return is })
}

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

// size returns the size of an object with the selected leaves, or a little more.
func (l leaves[T]) size(object *T, set ast.SelectionSet) int64 {
	size := int64(len(`{}`))
	for _, selection := range set {
		field := selection.(*ast.Field)
		size += int64(len(field.Alias)+fieldSyntax) + l[field.Name].size(object)
	}
	return size
}

// write writes an object with the selected leaves.
func (l leaves[T]) write(w io.Writer, object *T, set ast.SelectionSet) {
	for i, selection := range set {
		field := selection.(*ast.Field)
		writeName(w, i, field)
		l[field.Name].write(object, w)
	}
	_, _ = io.WriteString(w, "}")
}

// writeName writes the name of the field that has an index in its object, and what is before it.
func writeName(w io.Writer, i int, field *ast.Field) {
	before := `,"`
	if i == 0 {
		before = `{"`
	}
	_, _ = io.WriteString(w, before)
	_, _ = io.WriteString(w, field.Alias)
	_, _ = io.WriteString(w, `":`)
}

// counted is a result whose size is known before it is written.
type counted interface {
	graphql.Marshaler
	size() int64
}

// writable returns what writes the result of a field when that is made of leaves; nil when gqlgen
// must resolve the fields below it.
func writable(result any, set ast.SelectionSet) counted {
	switch result := result.(type) {
	case *object.Config:
		if result != nil && configLeaves.have(set) {
			return &single[object.Config]{result, set, configLeaves}
		}
	case []object.Config:
		if configLeaves.have(set) {
			return &list[object.Config]{result, set, configLeaves}
		}
	case *object.ConfigRevision:
		if result != nil && revisionLeaves.have(set) {
			return &single[object.ConfigRevision]{result, set, revisionLeaves}
		}
	case []object.ConfigRevision:
		if revisionLeaves.have(set) {
			return &list[object.ConfigRevision]{result, set, revisionLeaves}
		}
	}
	return nil
}

// single is one object that is to be written.
type single[T any] struct {
	object *T
	set    ast.SelectionSet
	leaves leaves[T]
}

func (s *single[T]) size() int64            { return s.leaves.size(s.object, s.set) }
func (s *single[T]) MarshalGQL(w io.Writer) { s.leaves.write(w, s.object, s.set) }

// list is a list of objects that is to be written.
type list[T any] struct {
	objects []T
	set     ast.SelectionSet
	leaves  leaves[T]
}

func (l *list[T]) size() int64 {
	size := int64(len(`[]`))
	for i := range l.objects {
		size += l.leaves.size(&l.objects[i], l.set) + 1
	}
	return size
}

func (l *list[T]) MarshalGQL(w io.Writer) {
	before := "["
	for i := range l.objects {
		_, _ = io.WriteString(w, before)
		l.leaves.write(w, &l.objects[i], l.set)
		before = ","
	}
	if len(l.objects) == 0 {
		_, _ = io.WriteString(w, before)
	}
	_, _ = io.WriteString(w, "]")
}
