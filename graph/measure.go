package graph

import (
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/configstore"
)

// many is where counts end: fragments within fragments double with every level. Twice as many fit an int everywhere.
const many = 1 << 29

func add(a, b int) int { return min(a+b, many) }

func multiply(a, b int) int {
	if b > 0 && a > many/b {
		return many
	}
	return a * b
}

// check returns an error when the syntax of a document is beyond the limits. It takes time in
// proportion to the document: a fragment counts as often as it is used, but is looked at once.
func (l Limits) check(doc *ast.QueryDocument) *gqlerror.Error {
	if len(doc.Operations) > l.Operations {
		return limitExceeded("the document has more than %d operations", l.Operations)
	}
	s := survey{
		fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
		shapes:    make(map[*ast.FragmentDefinition]shape, len(doc.Fragments)),
	}
	for _, f := range doc.Fragments {
		s.fragments[f.Name] = f
	}
	for _, f := range doc.Fragments {
		s.fragment(f)
	}
	for _, operation := range doc.Operations {
		switch found := s.of(operation.SelectionSet); {
		case found.fields > l.RootFields:
			return limitExceeded("an operation has more than %d root fields", l.RootFields)
		case found.depth > l.Depth:
			return limitExceeded("an operation has fields more than %d deep", l.Depth)
		case found.aliases > l.Aliases:
			return limitExceeded("an operation has more than %d aliases", l.Aliases)
		}
	}
	if s.repeats > l.Repeats {
		return limitExceeded("more than %d fields of the document repeat another", l.Repeats)
	}
	return nil
}

// shape is what a selection set comes to.
type shape struct {
	fields  int // that stand in it, not below them
	aliases int // in it and below
	depth   int
}

// survey looks at each selection of a document once. The document may be invalid, with unknown fragments and cycles of them.
type survey struct {
	fragments map[string]*ast.FragmentDefinition
	shapes    map[*ast.FragmentDefinition]shape // of fragments looked at; of one that is being looked at, nothing
	repeats   int
}

func (s *survey) of(set ast.SelectionSet) shape {
	return s.within(set, make(map[string]bool, len(set)))
}

// within looks at a part of a selection set in which some response names are taken already.
func (s *survey) within(set ast.SelectionSet, taken map[string]bool) shape {
	var sum shape
	for _, selection := range set {
		var part shape
		switch selection := selection.(type) {
		case *ast.Field:
			part = s.field(selection)
			if taken[selection.Alias] {
				s.repeats++
			}
			taken[selection.Alias] = true
		case *ast.InlineFragment:
			part = s.within(selection.SelectionSet, taken)
		case *ast.FragmentSpread:
			part = s.fragment(s.fragments[selection.Name])
		}
		sum.fields = add(sum.fields, part.fields)
		sum.aliases = add(sum.aliases, part.aliases)
		sum.depth = max(sum.depth, part.depth)
	}
	return sum
}

func (s *survey) field(f *ast.Field) shape {
	below := s.of(f.SelectionSet)
	if isIntrospection(f) {
		below.depth = 0
	}
	if f.Alias != f.Name {
		below.aliases = add(below.aliases, 1)
	}
	return shape{fields: 1, aliases: below.aliases, depth: below.depth + 1}
}

func (s *survey) fragment(f *ast.FragmentDefinition) shape {
	if f == nil {
		return shape{}
	}
	found, known := s.shapes[f]
	if !known {
		s.shapes[f] = shape{} // ends cycles, which another rule refuses
		found = s.of(f.SelectionSet)
		s.shapes[f] = found
	}
	return found
}

func isIntrospection(f *ast.Field) bool { return f.Name == "__schema" || f.Name == "__type" }

// bill adds up what selections of a valid document cost, in time proportional to the document.
type bill struct {
	variables map[string]any
	fragments map[*ast.FragmentDefinition]int // :: those looked at → what one use costs; nil while there are none
}

func (b *bill) of(set ast.SelectionSet) int {
	sum := 0
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			sum = add(sum, add(price(selection), multiply(b.items(selection), b.of(selection.SelectionSet))))
		case *ast.InlineFragment:
			sum = add(sum, b.of(selection.SelectionSet))
		case *ast.FragmentSpread:
			sum = add(sum, b.fragment(selection.Definition))
		}
	}
	return sum
}

// readsStore is what a field costs that reads the event store, for each of its parents.
const readsStore = 20

// price is what a field costs without those below it.
func price(f *ast.Field) int {
	switch f.Name {
	case "asOf", "history":
		return readsStore
	case "config", "configs":
		if f.ObjectDefinition.Name == "ConfigSnapshot" {
			return readsStore
		}
	}
	return 1
}

func (b *bill) fragment(f *ast.FragmentDefinition) int {
	cost, known := b.fragments[f]
	if !known {
		if cost = b.of(f.SelectionSet); b.fragments == nil {
			b.fragments = make(map[*ast.FragmentDefinition]int)
		}
		b.fragments[f] = cost
	}
	return cost
}

// introspected is how many items a list of __schema or __type counts for. The schema's own come to about that.
const introspected = 8

// items is how often what is below a field may be there.
func (b *bill) items(f *ast.Field) int {
	if len(f.SelectionSet) == 0 {
		return 1
	}
	if first := f.Definition.Arguments.ForName("first"); first != nil {
		return b.pageSize(f.Arguments.ForName(first.Name), first.DefaultValue)
	}
	if f.Definition.Type.Elem != nil && strings.HasPrefix(f.ObjectDefinition.Name, "__") {
		return introspected
	}
	return 1
}

// pageSize is what an argument asks for, as far as it can be had: pages that are too large are refused, with an error that
// names their limit.
func (b *bill) pageSize(given *ast.Argument, otherwise *ast.Value) int {
	value := otherwise
	if given != nil {
		value = given.Value
	}
	size, err := value.Value(b.variables)
	if n, ok := size.(int64); ok && err == nil {
		return int(max(1, min(n, configstore.MaxPageSize)))
	}
	if size == nil && err == nil && value != otherwise { // an explicit null, or a variable that is not there
		return b.pageSize(nil, otherwise)
	}
	return configstore.MaxPageSize
}
