package graph

import (
	"io"
	"maps"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/object"
	"configapi/graph/scalar"
)

// Configs and revisions are written directly where nothing is asked of them but what is in memory,
// without fragments and directives. gqlgen takes a goroutine for each object of a list, and 13
// allocations for each field of it: see BenchmarkConfigs. The bytes are those that gqlgen writes:
// see TestPlainFields.

// plainField is a field that is in memory, so that resolving it cannot fail.
type plainField[T any] struct {
	below func(ast.SelectionSet) bool      // whether the fields below are plain, too; nil: there are none
	size  func(*T, ast.SelectionSet) int64 // of its value in the answer, or a little more
	write func(*T, ast.SelectionSet, io.Writer)
}

// plainType has the plain fields of one type. What is not among them is left to gqlgen.
type plainType[T any] map[string]plainField[T] // :: name of the field → field

var plainConfig = plainType[object.Config]{
	"__typename": text(func(*object.Config) string { return "Config" }),
	"id":         text((*object.Config).ID),
	"name":       text((*object.Config).Name),
	"value":      text((*object.Config).Value),
	"version":    short((*object.Config).Version, scalar.MarshalInt),
	"revision":   child((*object.Config).Revision, plainRevision),
	"createdAt":  short((*object.Config).CreatedAt, scalar.MarshalDateTime),
	"updatedAt":  short((*object.Config).UpdatedAt, scalar.MarshalDateTime),
}

var plainRevision = plainType[object.ConfigRevision]{
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

// plainRecord is a revision that was read with the value before it.
var plainRecord = func() plainType[object.ConfigRevision] {
	all := maps.Clone(plainRevision)
	all["oldValue"] = optional((*object.ConfigRevision).RecordedOldValue)
	return all
}()

func text[T any](of func(*T) string) plainField[T] {
	return plainField[T]{
		size:  func(v *T, _ ast.SelectionSet) int64 { return quotedSize(of(v)) },
		write: func(v *T, _ ast.SelectionSet, w io.Writer) { graphql.MarshalString(of(v)).MarshalGQL(w) },
	}
}

// optional is a text that may be null.
func optional[T any](of func(*T) *string) plainField[T] {
	return plainField[T]{
		size: func(v *T, _ ast.SelectionSet) int64 { return sizeOf(of(v)) },
		write: func(v *T, _ ast.SelectionSet, w io.Writer) {
			if text := of(v); text != nil {
				graphql.MarshalString(*text).MarshalGQL(w)
			} else {
				graphql.Null.MarshalGQL(w)
			}
		},
	}
}

// short is a scalar of at most shortSize bytes.
func short[T, V any](of func(*T) V, marshal func(V) graphql.Marshaler) plainField[T] {
	return plainField[T]{
		size:  func(*T, ast.SelectionSet) int64 { return shortSize },
		write: func(v *T, _ ast.SelectionSet, w io.Writer) { marshal(of(v)).MarshalGQL(w) },
	}
}

// child is an object that is always there.
func child[T, C any](of func(*T) *C, plain plainType[C]) plainField[T] {
	return plainField[T]{
		below: plain.has,
		size:  func(v *T, set ast.SelectionSet) int64 { return plain.size(of(v), set) },
		write: func(v *T, set ast.SelectionSet, w io.Writer) { plain.write(w, of(v), set) },
	}
}

// has reports whether selections are nothing but plain fields, each with a response name of its own.
func (p plainType[T]) has(set ast.SelectionSet) bool {
	return arePlain(set, func(f *ast.Field) bool {
		field, is := p[f.Name]
		return is && (field.below == nil || field.below(f.SelectionSet))
	})
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

// size returns the size of an object with the selected fields, or a little more.
func (p plainType[T]) size(object *T, set ast.SelectionSet) int64 {
	size := int64(len(`{}`))
	for _, selection := range set {
		field := selection.(*ast.Field)
		size += int64(len(field.Alias)+fieldSyntax) + p[field.Name].size(object, field.SelectionSet)
	}
	return size
}

// write writes an object with the selected fields.
func (p plainType[T]) write(w io.Writer, object *T, set ast.SelectionSet) {
	for i, selection := range set {
		field := selection.(*ast.Field)
		writeName(w, i, field)
		p[field.Name].write(object, field.SelectionSet, w)
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

// writable returns what writes the result of a field when all that is selected of it is plain; nil
// when gqlgen must resolve the fields below it.
func writable(result any, set ast.SelectionSet) counted {
	switch result := result.(type) {
	case *object.Config:
		if result != nil && plainConfig.has(set) {
			return &single[object.Config]{result, set, plainConfig}
		}
	case []object.Config:
		if plainConfig.has(set) {
			return &list[object.Config]{result, set, plainConfig}
		}
	case *object.ConfigRevision:
		if result != nil && plainRevision.has(set) {
			return &single[object.ConfigRevision]{result, set, plainRevision}
		}
	case []object.ConfigRevision:
		if plain := plainOf(result); plain.has(set) {
			return &list[object.ConfigRevision]{result, set, plain}
		}
	}
	return nil
}

// plainOf returns the fields that are plain in all of the revisions.
func plainOf(revisions []object.ConfigRevision) plainType[object.ConfigRevision] {
	for i := range revisions {
		if !revisions[i].IsRecord() {
			return plainRevision
		}
	}
	return plainRecord
}

// single is one object that is to be written.
type single[T any] struct {
	object *T
	set    ast.SelectionSet
	plain  plainType[T]
}

func (s *single[T]) size() int64            { return s.plain.size(s.object, s.set) }
func (s *single[T]) MarshalGQL(w io.Writer) { s.plain.write(w, s.object, s.set) }

// list is a list of objects that is to be written.
type list[T any] struct {
	objects []T
	set     ast.SelectionSet
	plain   plainType[T]
}

func (l *list[T]) size() int64 {
	size := int64(len(`[]`))
	for i := range l.objects {
		size += l.plain.size(&l.objects[i], l.set) + 1
	}
	return size
}

func (l *list[T]) MarshalGQL(w io.Writer) {
	before := "["
	for i := range l.objects {
		_, _ = io.WriteString(w, before)
		l.plain.write(w, &l.objects[i], l.set)
		before = ","
	}
	if len(l.objects) == 0 {
		_, _ = io.WriteString(w, before)
	}
	_, _ = io.WriteString(w, "]")
}
