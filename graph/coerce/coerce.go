// Package coerce judges the values that an operation comes with, its variables and the literals of its document, as the
// specification of GraphQL says: before the first field is executed. gqlparser and gqlgen leave much of that to the moment when
// a field is executed, or do not do it: null at a non-null place through a variable with a default, the range of Int, enums,
// @oneOf and the arguments of @skip and @include.
//
// It takes time in proportion to the variables and the document: a fragment is looked at once, however often it is used.
// What a directive leaves out is not judged, since it is not executed.
package coerce

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Scalar judges a value for a scalar of the schema's own. The value is a string, an int64, a float64, a bool, a []any, a
// map[string]any or a [Name], never nil.
type Scalar func(value any) error

// Name is the value of a literal without quotes, which is an enum's.
type Name string

// Schema knows what values may be.
type Schema struct {
	Types map[string]*ast.Definition
	// Scalars are the schema's own. One that is not among them takes any value.
	Scalars map[string]Scalar
	// MaxErrors is how many errors are looked for. 0: one.
	MaxErrors int
}

// judge collects errors until there are enough of them.
type judge struct {
	*Schema
	variables map[string]any
	errs      gqlerror.List
	judged    map[*ast.FragmentDefinition]bool // nil while there are none

	// The places of the variable and of the argument that are being judged, here so that they cost no allocation each.
	variableAt variablePlace
	literalAt  literalPlace
}

// Operation coerces the variables that a client has sent, in place, judges each value of the operation with them, and returns them
// with their defaults. The document must be valid. Each error has the position in the document that it is about. The error of a
// [Scalar] is wrapped.
func (s *Schema) Operation(operation *ast.OperationDefinition, sent map[string]any) (map[string]any, gqlerror.List) {
	j := judge{Schema: s, variables: sent}
	if sent == nil && len(operation.VariableDefinitions) > 0 {
		j.variables = make(map[string]any)
	}
	for _, definition := range operation.VariableDefinitions {
		j.variable(definition)
	}
	if len(j.errs) == 0 {
		j.selections(operation.SelectionSet)
	}
	return j.variables, j.errs
}

// enough tells whether no more errors are looked for.
func (j *judge) enough() bool { return len(j.errs) >= max(1, j.MaxErrors) }

func (j *judge) selections(set ast.SelectionSet) {
	for _, selection := range set {
		if j.enough() {
			return
		}
		switch selection := selection.(type) {
		case *ast.Field:
			if j.included(selection.Directives) {
				j.arguments(selection.Definition.Arguments, selection.Arguments, literalPlace{at: selection.Position, kind: "field ", owner: selection.Name})
				j.selections(selection.SelectionSet)
			}
		case *ast.InlineFragment:
			if j.included(selection.Directives) {
				j.selections(selection.SelectionSet)
			}
		case *ast.FragmentSpread:
			if j.included(selection.Directives) {
				j.fragment(selection.Definition)
			}
		}
	}
}

func (j *judge) fragment(f *ast.FragmentDefinition) {
	if j.judged[f] {
		return
	}
	if j.judged == nil {
		j.judged = make(map[*ast.FragmentDefinition]bool)
	}
	j.judged[f] = true
	j.selections(f.SelectionSet)
}

// included judges the directives of a selection, and tells whether they let it be executed.
func (j *judge) included(directives ast.DirectiveList) bool {
	included := true
	for _, d := range directives {
		before := len(j.errs)
		j.arguments(d.Definition.Arguments, d.Arguments, literalPlace{at: d.Position, kind: "directive @", owner: d.Name})
		if len(j.errs) > before {
			included = false
			continue
		}
		switch d.Name {
		case "skip":
			included = included && !j.condition(d)
		case "include":
			included = included && j.condition(d)
		}
	}
	return included
}

// condition is the argument of @skip and @include, which was judged.
func (j *judge) condition(d *ast.Directive) bool {
	value, _ := d.Arguments.ForName("if").Value.Value(j.variables)
	is, _ := value.(bool)
	return is
}

// arguments judges what is given to a field or a directive.
func (j *judge) arguments(definitions ast.ArgumentDefinitionList, given ast.ArgumentList, owner literalPlace) {
	for _, definition := range definitions {
		place := &j.literalAt
		*place = owner
		place.argument = definition.Name
		argument := given.ForName(definition.Name)
		if argument == nil || j.isAbsent(argument.Value) {
			if definition.Type.NonNull && definition.DefaultValue == nil {
				j.refuse(place, "must be given")
			}
			continue
		}
		j.literal(definition.Type, argument.Value, place)
	}
}

// isAbsent tells whether a value is a variable that has no value: neither sent nor by default.
func (j *judge) isAbsent(value *ast.Value) bool {
	if value.Kind != ast.Variable {
		return false
	}
	_, has := j.variables[value.Raw]
	return !has
}
