// Package coerce coerces the variables of an operation and checks the literals of its document, as
// the GraphQL specification demands it: before the first field is executed.
//
// gqlparser and gqlgen check the following when a field is executed, or not at all: null for a
// non-null type through a variable with a default, the range of Int, enums, @oneOf, and the
// arguments of @skip and @include.
//
// It takes time in proportion to the variables and the document: a fragment is walked once, however
// often it is used. Selections that a directive leaves out are not checked, since they are not
// executed. The package does not validate documents: it must be given a valid one.
package coerce

import (
	"maps"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Scalar checks a value for a custom scalar, and returns an error for one that it refuses. The
// value is a string, an int64, a float64, a bool, a []any, a map[string]any or a [Name], never nil.
type Scalar func(value any) error

// Name is the value of a literal that is a bare name, as values of enums are.
type Name string

// Schema says which values the types of a schema take. It is safe for concurrent use.
type Schema struct {
	Types map[string]*ast.Definition
	// Scalars are the custom scalars. One that is not among them takes any value.
	Scalars map[string]Scalar
	// MaxErrors is how many errors of an operation are looked for. 0: one.
	MaxErrors int
}

// checker checks the values of one operation. It collects errors until there are enough of them.
type checker struct {
	*Schema
	variables map[string]any
	errs      gqlerror.List
	fragments map[*ast.FragmentDefinition]bool // those that were checked; nil while there are none

	// The variable and the argument that are being checked. They are here so that neither costs an
	// allocation.
	inVariable variablePath
	inArgument literalPath
}

// Operation coerces the variables that a client has sent, and checks each literal of the operation
// with them. It returns the variables with their defaults, without those that the operation does
// not define, and nil when it defines none. It changes the map that was sent, and the lists and
// objects in it. The document must be valid.
//
// Each error has the position in the document that it is about, and [Rule] as its rule. It wraps
// the error of a [Scalar].
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

// definedOf returns the sent variables that an operation defines. It changes the map that was sent,
// and makes one if there is none.
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

// enough reports whether as many errors were found as are looked for.
func (c *checker) enough() bool { return len(c.errs) >= max(1, c.MaxErrors) }

func (c *checker) selections(set ast.SelectionSet) {
	for _, selection := range set {
		if c.enough() {
			return
		}
		switch selection := selection.(type) {
		case *ast.Field:
			if c.included(selection.Directives) {
				owner := literalPath{at: selection.Position, kind: "field ", owner: selection.Name}
				c.arguments(selection.Definition.Arguments, selection.Arguments, owner)
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
	if c.fragments[f] {
		return
	}
	if c.fragments == nil {
		c.fragments = make(map[*ast.FragmentDefinition]bool)
	}
	c.fragments[f] = true
	c.selections(f.SelectionSet)
}

// included checks the directives of a selection, and reports whether they let it be executed.
func (c *checker) included(directives ast.DirectiveList) bool {
	included := true
	for _, d := range directives {
		before := len(c.errs)
		c.arguments(d.Definition.Arguments, d.Arguments, literalPath{at: d.Position, kind: "directive @", owner: d.Name})
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

// condition returns the argument of @skip or @include, which was checked before.
func (c *checker) condition(d *ast.Directive) bool {
	value, _ := d.Arguments.ForName("if").Value.Value(c.variables)
	is, _ := value.(bool)
	return is
}

// arguments checks the arguments of a field or a directive, which owner names.
func (c *checker) arguments(definitions ast.ArgumentDefinitionList, given ast.ArgumentList, owner literalPath) {
	for _, definition := range definitions {
		p := &c.inArgument
		*p = owner
		p.argument = definition.Name
		argument := given.ForName(definition.Name)
		if argument == nil || c.isAbsent(argument.Value) {
			if definition.Type.NonNull && definition.DefaultValue == nil {
				c.refuse(p, "must be given")
			}
			continue
		}
		c.literal(definition.Type, argument.Value, p)
	}
}

// isAbsent reports whether a value is a variable that was not sent and has no default.
func (c *checker) isAbsent(value *ast.Value) bool {
	if value.Kind != ast.Variable {
		return false
	}
	_, has := c.variables[value.Raw]
	return !has
}
