package document

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/configstore"
)

// checkCost returns an error when an operation costs too much with its variables.
func (l limits) checkCost(op *graphql.OperationContext) *gqlerror.Error {
	c := costs{variables: op.Variables}
	if c.of(op.Operation.SelectionSet) > l.cost {
		return limitExceeded("the operation costs more than %d: 1 for each field, 20 for each asOf and history, and what is below a list as often as the list may have items", l.cost)
	}
	return nil
}

const (
	// readCost is the cost of a field that reads the event store, for each of its parents.
	readCost = 20
	// introspectionItems is how many items a list within __schema or __type counts for. The
	// schema's own lists have about as many.
	introspectionItems = 8
)

// costs adds up the costs of selections of a valid document, in time proportional to the document:
// 1 for each field, readCost for asOf, history and the fields of a snapshot, and what is below a
// list as often as the list may have items.
type costs struct {
	variables map[string]any
	fragments map[*ast.FragmentDefinition]int // :: → cost of one use; nil while there are none
}

func (c *costs) of(set ast.SelectionSet) int {
	sum := 0
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			below := multiply(c.items(selection), c.of(selection.SelectionSet))
			sum = add(sum, add(fieldCost(selection), below))
		case *ast.InlineFragment:
			sum = add(sum, c.of(selection.SelectionSet))
		case *ast.FragmentSpread:
			sum = add(sum, c.fragment(selection.Definition))
		}
	}
	return sum
}

// fieldCost is the cost of a field without those below it.
func fieldCost(f *ast.Field) int {
	switch f.Name {
	case "asOf", "history":
		return readCost
	case "config", "configs":
		if f.ObjectDefinition.Name == "ConfigSnapshot" {
			return readCost
		}
	}
	return 1
}

func (c *costs) fragment(f *ast.FragmentDefinition) int {
	cost, known := c.fragments[f]
	if !known {
		if cost = c.of(f.SelectionSet); c.fragments == nil {
			c.fragments = make(map[*ast.FragmentDefinition]int)
		}
		c.fragments[f] = cost
	}
	return cost
}

// items is how many items the list of a field may have: 1 for a field that is no list.
func (c *costs) items(f *ast.Field) int {
	if len(f.SelectionSet) == 0 {
		return 1
	}
	if first := f.Definition.Arguments.ForName("first"); first != nil {
		return c.pageSize(f.Arguments.ForName(first.Name), first.DefaultValue)
	}
	if f.Definition.Type.Elem != nil && strings.HasPrefix(f.ObjectDefinition.Name, "__") {
		return introspectionItems
	}
	return 1
}

// pageSize is the page size that an argument asks for, cut to what the config store gives: larger
// pages are refused there, with an error that names their limit.
func (c *costs) pageSize(given *ast.Argument, byDefault *ast.Value) int {
	value := byDefault
	if given != nil {
		value = given.Value
	}
	size, err := value.Value(c.variables)
	if n, ok := size.(int64); ok && err == nil {
		return int(max(1, min(n, configstore.MaxPageSize)))
	}
	if size == nil && err == nil && value != byDefault { // an explicit null, or an absent variable
		return c.pageSize(nil, byDefault)
	}
	return configstore.MaxPageSize
}

// maxCount is where counts saturate: fragments within fragments double them with every level. The
// sum of two fits an int on every platform.
const maxCount = 1 << 29

func add(a, b int) int { return min(a+b, maxCount) }

func multiply(a, b int) int {
	if b > 0 && a > maxCount/b {
		return maxCount
	}
	return a * b
}
