// Package coerce checks the values that an operation comes with, its variables and the literals of
// its document, as the specification of GraphQL says: before the first field is executed. gqlparser
// and gqlgen leave much of that to the moment when a field is executed, or do not do it: null at a
// non-null place through a variable with a default, the range of Int, enums, @oneOf and the
// arguments of @skip and @include.
//
// It takes time in proportion to the variables and the document: a fragment is looked at once,
// however often it is used. What a directive leaves out is not checked, since it is not executed.
package coerce

import (
	"maps"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Scalar checks a value for a scalar of the schema's own. The value is a string, an int64, a
// float64, a bool, a []any, a map[string]any or a [Name], never nil.
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

// checker collects errors until there are enough of them.
type checker struct {
	*Schema
	variables map[string]any
	errs      gqlerror.List
	checked   map[*ast.FragmentDefinition]bool // nil while there are none

	// The places of the variable and of the argument that are being checked, here so that they cost
	// no allocation each.
	variableAt variablePlace
	literalAt  literalPlace
}

// Operation coerces the variables that a client has sent, in place, checks each value of the
// operation with them, and returns them with their defaults. Variables that the operation does not
// define are removed; the result is nil when it defines none. The document must be valid. Each
// error has the position in the document that it is about. The error of a [Scalar] is wrapped.
func (s *Schema) Operation(operation *ast.OperationDefinition, sent map[string]any) (map[string]any, gqlerror.List) {
	c := checker{Schema: s}
	if defined := operation.VariableDefinitions; len(defined) > 0 {
		c.variables = definedOf(defined, sent)
		for _, definition := range defined {
			c.variable(definition)
		}
	}
	if len(c.errs) == 0 {
		c.selections(operation.SelectionSet)
	}
	return c.variables, c.errs
}

// definedOf returns those variables that an operation defines, as the map that was sent or a new
// one.
func definedOf(definitions ast.VariableDefinitionList, sent map[string]any) map[string]any {
	if sent == nil {
		return make(map[string]any)
	}
	known := 0
	for _, definition := range definitions {
		if _, given := sent[definition.Variable]; given {
			known++
		}
	}
	if known < len(sent) {
		maps.DeleteFunc(sent, func(name string, _ any) bool { return definitions.ForName(name) == nil })
	}
	return sent
}

// enough reports whether no more errors are looked for.
func (c *checker) enough() bool { return len(c.errs) >= max(1, c.MaxErrors) }

func (c *checker) selections(set ast.SelectionSet) {
	for _, selection := range set {
		if c.enough() {
			return
		}
		switch selection := selection.(type) {
		case *ast.Field:
			if c.included(selection.Directives) {
				c.arguments(selection.Definition.Arguments, selection.Arguments, literalPlace{at: selection.Position, kind: "field ", owner: selection.Name})
				c.selections(selection.SelectionSet)
			}
		case *ast.InlineFragment:
			if c.included(selection.Directives) {
				c.selections(selection.SelectionSet)
			}
		case *ast.FragmentSpread:
			if c.included(selection.Directives) {
				c.fragment(selection.Definition)
			}
		}
	}
}

func (c *checker) fragment(f *ast.FragmentDefinition) {
	if c.checked[f] {
		return
	}
	if c.checked == nil {
		c.checked = make(map[*ast.FragmentDefinition]bool)
	}
	c.checked[f] = true
	c.selections(f.SelectionSet)
}

// included checks the directives of a selection, and reports whether they let it be executed.
func (c *checker) included(directives ast.DirectiveList) bool {
	included := true
	for _, d := range directives {
		before := len(c.errs)
		c.arguments(d.Definition.Arguments, d.Arguments, literalPlace{at: d.Position, kind: "directive @", owner: d.Name})
		if len(c.errs) > before {
			included = false
			continue
		}
		switch d.Name {
		case "skip":
			included = included && !c.condition(d)
		case "include":
			included = included && c.condition(d)
		}
	}
	return included
}

// condition is the argument of @skip and @include, which was checked.
func (c *checker) condition(d *ast.Directive) bool {
	value, _ := d.Arguments.ForName("if").Value.Value(c.variables)
	is, _ := value.(bool)
	return is
}

// arguments checks what is given to a field or a directive.
func (c *checker) arguments(definitions ast.ArgumentDefinitionList, given ast.ArgumentList, owner literalPlace) {
	for _, definition := range definitions {
		place := &c.literalAt
		*place = owner
		place.argument = definition.Name
		argument := given.ForName(definition.Name)
		if argument == nil || c.isAbsent(argument.Value) {
			if definition.Type.NonNull && definition.DefaultValue == nil {
				c.refuse(place, "must be given")
			}
			continue
		}
		c.literal(definition.Type, argument.Value, place)
	}
}

// isAbsent reports whether a value is a variable that has no value: neither sent nor by default.
func (c *checker) isAbsent(value *ast.Value) bool {
	if value.Kind != ast.Variable {
		return false
	}
	_, has := c.variables[value.Raw]
	return !has
}
