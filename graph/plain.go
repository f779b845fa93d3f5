package graph

import (
	"io"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/internal/eventstore"
)

// Objects are written directly where nothing is asked of them but what is in memory. gqlgen takes a
// goroutine for each object of a list, and 13 allocations for each field of it: see
// BenchmarkConfigs. The bytes are those that gqlgen writes: see TestPlainFields.

// plainField is a field that is in memory, so that resolving it cannot fail. It returns what writes
// its value, given what is selected below it; nil when that is not plain.
type plainField[T any] func(below ast.SelectionSet) *plainValue[T]

// plainValue writes the value of a field.
type plainValue[T any] struct {
	size  func(*T) int64 // in the answer, or a little more
	write func(*T, io.Writer)
}

// plainType is an object type with its plain fields. What is not among them is left to gqlgen.
type plainType[T any] struct {
	conditions []string // the types of fragments that apply to it
	fields     map[string]plainField[T]
}

var plainConfig = plainType[object.Config]{[]string{"Config", "Node"}, map[string]plainField[object.Config]{
	"__typename": text(func(*object.Config) string { return "Config" }),
	"id":         text((*object.Config).ID),
	"name":       text((*object.Config).Name),
	"value":      text((*object.Config).Value),
	"version":    short((*object.Config).Version, scalar.MarshalInt),
	"revision":   child((*object.Config).Revision, plainRevision),
	"createdAt":  short((*object.Config).CreatedAt, scalar.MarshalDateTime),
	"updatedAt":  short((*object.Config).UpdatedAt, scalar.MarshalDateTime),
}}

var plainRevision = plainType[object.ConfigRevision]{[]string{"ConfigRevision", "Node"}, map[string]plainField[object.ConfigRevision]{
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
}}

// plainRecord is a revision that was read with the value before it.
var plainRecord = func() plainType[object.ConfigRevision] {
	all := maps.Clone(plainRevision.fields)
	all["oldValue"] = optional((*object.ConfigRevision).RecordedOldValue)
	return plainType[object.ConfigRevision]{plainRevision.conditions, all}
}()

var plainChanged = plainType[model.ConfigChanged]{
	[]string{"ConfigChanged", "SetConfigResult", "DeleteConfigResult", "RestoreConfigResult"},
	map[string]plainField[model.ConfigChanged]{
		"__typename": text(func(*model.ConfigChanged) string { return "ConfigChanged" }),
		"config":     child(func(c *model.ConfigChanged) *object.Config { return c.Config }, plainConfig),
		"revision":   child(func(c *model.ConfigChanged) *object.ConfigRevision { return c.Revision }, plainRevision),
		"changed":    short(func(c *model.ConfigChanged) bool { return c.Changed }, graphql.MarshalBoolean),
		"position":   short(func(c *model.ConfigChanged) eventstore.Position { return c.Position }, scalar.MarshalPosition),
	},
}

// leaf is a field without fields below it.
func leaf[T any](size func(*T) int64, write func(*T, io.Writer)) plainField[T] {
	value := &plainValue[T]{size, write}
	return func(ast.SelectionSet) *plainValue[T] { return value }
}

func text[T any](of func(*T) string) plainField[T] {
	return leaf(func(v *T) int64 { return quotedSize(of(v)) }, func(v *T, w io.Writer) { graphql.MarshalString(of(v)).MarshalGQL(w) })
}

// optional is a text that may be null.
func optional[T any](of func(*T) *string) plainField[T] {
	return leaf(func(v *T) int64 { return sizeOf(of(v)) }, func(v *T, w io.Writer) {
		if text := of(v); text != nil {
			graphql.MarshalString(*text).MarshalGQL(w)
		} else {
			graphql.Null.MarshalGQL(w)
		}
	})
}

// short is a scalar of at most shortSize bytes.
func short[T, V any](of func(*T) V, marshal func(V) graphql.Marshaler) plainField[T] {
	return leaf(func(*T) int64 { return shortSize }, func(v *T, w io.Writer) { marshal(of(v)).MarshalGQL(w) })
}

// child is an object, or null.
func child[T, C any](of func(*T) *C, plain plainType[C]) plainField[T] {
	return func(below ast.SelectionSet) *plainValue[T] {
		outline := plain.outline(below)
		if outline == nil {
			return nil
		}
		return &plainValue[T]{
			size:  func(v *T) int64 { return outline.size(of(v)) },
			write: func(v *T, w io.Writer) { outline.write(w, of(v)) },
		}
	}
}

// outline is what is selected of an object: never nothing.
type outline[T any] []selected[T]

// selected is a field with its name in the response.
type selected[T any] struct {
	name string
	*plainValue[T]
}

// outline returns what is selected of an object; nil when gqlgen must resolve its fields.
func (p plainType[T]) outline(set ast.SelectionSet) outline[T] {
	fields, ok := flatten(set, p.conditions)
	if !ok {
		return nil
	}
	outline := make(outline[T], len(fields))
	for i, selection := range fields {
		field := selection.(*ast.Field)
		plain, is := p.fields[field.Name]
		if !is {
			return nil
		}
		value := plain(field.SelectionSet)
		if value == nil {
			return nil
		}
		outline[i] = selected[T]{field.Alias, value}
	}
	return outline
}

// flatten returns the fields that are selected of an object of a valid document, given the types of
// fragments that apply to it. It reports false when that takes more than looking at them: there are
// directives, fragments within fragments, or selections to be merged.
func flatten(set ast.SelectionSet, conditions []string) (ast.SelectionSet, bool) {
	flat := make(ast.SelectionSet, 0, len(set))
	for _, selection := range set {
		var condition string
		var below ast.SelectionSet
		var directives ast.DirectiveList
		switch selection := selection.(type) {
		case *ast.Field:
			below = ast.SelectionSet{selection}
		case *ast.InlineFragment:
			condition, below, directives = selection.TypeCondition, selection.SelectionSet, selection.Directives
		case *ast.FragmentSpread:
			condition, below, directives = selection.Definition.TypeCondition, selection.Definition.SelectionSet, selection.Directives
		}
		if len(directives) > 0 {
			return nil, false
		}
		if condition != "" && !slices.Contains(conditions, condition) {
			continue
		}
		for _, selection := range below {
			field, ok := selection.(*ast.Field)
			if !ok || len(field.Directives) > 0 {
				return nil, false
			}
			switch {
			case !slices.ContainsFunc(flat, func(s ast.Selection) bool { return s.(*ast.Field).Alias == field.Alias }):
				flat = append(flat, field)
			case len(field.SelectionSet) > 0:
				return nil, false
			}
		}
	}
	return flat, len(flat) > 0
}

// size returns the size of an object, or a little more.
func (s outline[T]) size(object *T) int64 {
	if object == nil {
		return sizeOf(nil)
	}
	size := int64(len(`{}`))
	for _, field := range s {
		size += int64(len(field.name)+fieldSyntax) + field.plainValue.size(object)
	}
	return size
}

// write writes an object.
func (s outline[T]) write(w io.Writer, object *T) {
	if object == nil {
		graphql.Null.MarshalGQL(w)
		return
	}
	for i, field := range s {
		writeName(w, i, field.name)
		field.plainValue.write(object, w)
	}
	_, _ = io.WriteString(w, "}")
}

// writeName writes the name of the field that has an index in its object, and what is before it.
func writeName(w io.Writer, i int, name string) {
	before := `,"`
	if i == 0 {
		before = `{"`
	}
	_, _ = io.WriteString(w, before)
	_, _ = io.WriteString(w, name)
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
		return one(plainConfig, set, result)
	case []object.Config:
		return several(plainConfig, set, result)
	case *object.ConfigRevision:
		return one(plainRevision, set, result)
	case []object.ConfigRevision:
		return several(plainOf(result), set, result)
	case model.ConfigChanged:
		return one(plainChanged, set, &result)
	}
	return nil
}

// plainOf returns the type whose fields are plain in all of the revisions.
func plainOf(revisions []object.ConfigRevision) plainType[object.ConfigRevision] {
	for i := range revisions {
		if !revisions[i].IsRecord() {
			return plainRevision
		}
	}
	return plainRecord
}

func one[T any](plain plainType[T], set ast.SelectionSet, object *T) counted {
	if outline := plain.outline(set); outline != nil && object != nil {
		return &single[T]{outline, object}
	}
	return nil
}

func several[T any](plain plainType[T], set ast.SelectionSet, objects []T) counted {
	if outline := plain.outline(set); outline != nil {
		return &list[T]{outline, objects}
	}
	return nil
}

// single is one object that is to be written.
type single[T any] struct {
	outline outline[T]
	object  *T
}

func (s *single[T]) size() int64            { return s.outline.size(s.object) }
func (s *single[T]) MarshalGQL(w io.Writer) { s.outline.write(w, s.object) }

// list is a list of objects that is to be written.
type list[T any] struct {
	outline outline[T]
	objects []T
}

func (l *list[T]) size() int64 {
	size := int64(len(`[]`))
	for i := range l.objects {
		size += l.outline.size(&l.objects[i]) + 1
	}
	return size
}

func (l *list[T]) MarshalGQL(w io.Writer) {
	before := "["
	for i := range l.objects {
		_, _ = io.WriteString(w, before)
		l.outline.write(w, &l.objects[i])
		before = ","
	}
	if len(l.objects) == 0 {
		_, _ = io.WriteString(w, before)
	}
	_, _ = io.WriteString(w, "]")
}
