package document

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/graph/model"
)

// limits bound what one document may ask for.
type limits struct {
	tokens     int // of the document
	nameBytes  int // of each name and each number
	operations int // of the document
	repeats    int // fields of the document that repeat another: see [counter]
	depth      int // of fields within one another; those of __schema and __type are not counted
	aliases    int // of an operation
	rootFields int // of an operation
	cost       int // of an operation: see [costs]
}

// defaultLimits are those of every server. Only tests have others.
var defaultLimits = limits{
	tokens:     2000,
	nameBytes:  128,
	operations: 10,
	repeats:    200, // validation compares each of them with all others
	depth:      12,
	aliases:    30,
	rootFields: 10,
	cost:       50_000,
}

// limitsRule is the name that the limits have among the rules of validation.
const limitsRule = "Limits"

func limitExceeded(format string, limit int) *gqlerror.Error {
	err := gqlerror.Errorf(format, limit)
	err.Rule = limitsRule
	err.Extensions = map[string]any{"code": string(model.ErrorCodeLimitExceeded)}
	return err
}

// check returns an error when the syntax of a document is beyond the limits. It takes time in
// proportion to the document: a fragment counts once for each use, but is walked only once.
func (l limits) check(doc *ast.QueryDocument) *gqlerror.Error {
	if len(doc.Operations) > l.operations {
		return limitExceeded("the document has more than %d operations", l.operations)
	}
	c := counter{
		fragments: make(map[string]*ast.FragmentDefinition, len(doc.Fragments)),
		counted:   make(map[*ast.FragmentDefinition]counts, len(doc.Fragments)),
	}
	for _, f := range doc.Fragments {
		c.fragments[f.Name] = f
	}
	for _, f := range doc.Fragments {
		c.fragment(f)
	}
	for _, operation := range doc.Operations {
		switch found := c.selectionSet(operation.SelectionSet); {
		case found.fields > l.rootFields:
			return limitExceeded("an operation has more than %d root fields", l.rootFields)
		case found.depth > l.depth:
			return limitExceeded("an operation has fields more than %d deep", l.depth)
		case found.aliases > l.aliases:
			return limitExceeded("an operation has more than %d aliases", l.aliases)
		}
	}
	if c.repeats > l.repeats {
		return limitExceeded("more than %d fields of the document repeat another", l.repeats)
	}
	return nil
}

// counts are the numbers of one selection set.
type counts struct {
	fields  int // that stand in it, not below them
	aliases int // in it and below
	depth   int
}

// counter counts the selections of a document, and walks each of them once. The document may be
// invalid, with unknown fragments and cycles of them.
type counter struct {
	fragments map[string]*ast.FragmentDefinition
	counted   map[*ast.FragmentDefinition]counts // zero for a fragment whose walk has only begun

	// repeats are the fields that have the response name of one before them in the same selection
	// set, inline fragments included.
	repeats int
}

func (c *counter) selectionSet(set ast.SelectionSet) counts {
	return c.selections(set, make(map[string]bool, len(set)))
}

// selections counts a part of a selection set. The response names of the parts before it are in
// names, to which it adds its own.
func (c *counter) selections(set ast.SelectionSet, names map[string]bool) counts {
	var sum counts
	for _, selection := range set {
		var part counts
		switch selection := selection.(type) {
		case *ast.Field:
			part = c.field(selection)
			if names[selection.Alias] {
				c.repeats++
			}
			names[selection.Alias] = true
		case *ast.InlineFragment:
			part = c.selections(selection.SelectionSet, names)
		case *ast.FragmentSpread:
			part = c.fragment(c.fragments[selection.Name])
		}
		sum.fields = add(sum.fields, part.fields)
		sum.aliases = add(sum.aliases, part.aliases)
		sum.depth = max(sum.depth, part.depth)
	}
	return sum
}

func (c *counter) field(f *ast.Field) counts {
	below := c.selectionSet(f.SelectionSet)
	if isIntrospection(f) { // tools nest it deeper, and gqlparser has a rule of its own for it
		below.depth = 0
	}
	if f.Alias != f.Name {
		below.aliases = add(below.aliases, 1)
	}
	return counts{fields: 1, aliases: below.aliases, depth: below.depth + 1}
}

func (c *counter) fragment(f *ast.FragmentDefinition) counts {
	if f == nil {
		return counts{}
	}
	found, counted := c.counted[f]
	if !counted {
		c.counted[f] = counts{} // ends cycles, which a rule of validation refuses
		found = c.selectionSet(f.SelectionSet)
		c.counted[f] = found
	}
	return found
}

func isIntrospection(f *ast.Field) bool { return f.Name == "__schema" || f.Name == "__type" }
