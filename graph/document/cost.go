package document

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
)

// checkCost returns an error when an operation costs too much with its variables.
func (l limits) checkCost(schema *ast.Schema, op *graphql.OperationContext) *gqlerror.Error {
	c := costs{types: schema.Types, variables: op.Variables}
	if c.of(op.Operation.SelectionSet, place{}).each > l.cost {
		return limitExceeded("the operation costs more than %d: 1 for each field, 20 for each field that reads the past by itself, "+
			"such as asOf and history, and what is below a list as often as the list may have items", l.cost)
	}
	return nil
}

// isAffordable reports whether an operation costs no more than it may, whatever its variables are.
func (l limits) isAffordable(schema *ast.Schema, operation *ast.OperationDefinition) bool {
	c := costs{types: schema.Types}
	return c.of(operation.SelectionSet, place{}).each <= l.cost && !c.varies
}

const (
	// readCost is the cost of a field that reads the event store, for each of its parents.
	readCost = 20
	// scanCost is the cost of a totalCount that looks at all names: that of a diff, or of configs
	// with a part of the name.
	scanCost = 10_000
	// introspectionItems is how many items a list within __schema or __type counts for. The
	// schema's own lists have about as many.
	introspectionItems = 8
)

// costs adds up the costs of selections of a valid document, in time proportional to the document:
// 1 for each field, more for fields that read much, and what is below a list as often as the list
// may have items. Of fragments on several types of a union or an interface only the dearest type
// counts, since an object has one type.
type costs struct {
	types     map[string]*ast.Definition
	variables map[string]any
	fragments map[use]cost // :: → its cost; nil while there are none
	varies    bool         // other variables may give another sum
}

// use is a fragment at a place.
type use struct {
	fragment *ast.FragmentDefinition
	place    place
}

// place is what the cost of a selection depends on besides the selection.
type place struct {
	// batched reports whether the old value of a revision is read together with those of the other
	// items of a list.
	batched bool
	// contains reports whether the list around the place has names with some part.
	contains bool
	// changes is how many changes the change set of the mutation around the place can have.
	changes int
}

// cost is what a selection costs, within the item of a list or elsewhere.
type cost struct {
	each int // for each item
	once int // for the list
}

func (c cost) plus(other cost) cost { return cost{add(c.each, other.each), add(c.once, other.once)} }

func (c *costs) of(set ast.SelectionSet, at place) cost {
	var sum, dearest cost
	var byType map[string]cost // :: object type → what is selected of that type alone
	for _, selection := range set {
		found, condition := c.selection(selection, at)
		if condition == "" {
			sum = sum.plus(found)
			continue
		}
		if byType == nil {
			byType = make(map[string]cost)
		}
		found = found.plus(byType[condition])
		byType[condition] = found
		dearest = cost{max(dearest.each, found.each), max(dearest.once, found.once)}
	}
	return sum.plus(dearest)
}

// selection returns the cost of a selection, and the one type of several to which it applies: ""
// when it applies to all objects of the place.
func (c *costs) selection(selection ast.Selection, at place) (found cost, condition string) {
	switch selection := selection.(type) {
	case *ast.Field:
		if selection.Name == "totalCount" {
			return cost{once: countCost(selection, at)}, ""
		}
		below := c.of(selection.SelectionSet, c.below(selection, at))
		return cost{each: add(fieldCost(selection, at), add(multiply(c.items(selection, at), below.each), below.once))}, ""
	case *ast.InlineFragment:
		return c.of(selection.SelectionSet, at), c.oneOfMany(selection.ObjectDefinition, selection.TypeCondition)
	case *ast.FragmentSpread:
		return c.fragment(selection.Definition, at), c.oneOfMany(selection.ObjectDefinition, selection.Definition.TypeCondition)
	}
	return cost{}, ""
}

// oneOfMany returns the type condition of a fragment if it selects one of the object types that an
// object of the parent type can have, else "".
func (c *costs) oneOfMany(parent *ast.Definition, condition string) string {
	if condition != "" && parent.IsAbstractType() && c.types[condition].Kind == ast.Object {
		return condition
	}
	return ""
}

// fieldCost is the cost of a field without those below it.
func fieldCost(f *ast.Field, at place) int {
	object := f.ObjectDefinition.Name
	switch f.Name {
	case "asOf", "history", "diff", "recentChanges", "moreChanges":
		return readCost
	case "config", "configs":
		if object == "ConfigSnapshot" {
			return readCost
		}
	case "changes":
		if object == "ConfigDifference" {
			return readCost
		}
	case "oldValue":
		if !at.batched {
			return readCost
		}
	}
	return 1
}

// countCost is the cost of a totalCount, which looks at all of its list.
func countCost(f *ast.Field, at place) int {
	if at.contains || f.ObjectDefinition.Name == "ConfigDiff" {
		return scanCost
	}
	return readCost
}

// below returns the place of what is selected below a field.
func (c *costs) below(f *ast.Field, at place) place {
	switch f.Name {
	case "configs":
		at.contains = f.Arguments.ForName("contains") != nil
	case "nodes", "edges", "revisions", "errors", "changes":
		at.batched = true
	case "asOf", "history":
		at.batched = false
	case "config":
		at.batched = at.batched && f.ObjectDefinition.Name == "ConfigChild"
	case "applyConfigs":
		at.changes = c.given(f)
	case "revertConfigs", "revertChangeSet":
		at.changes = config.MaxChanges
	}
	return at
}

// given is how many changes the input of applyConfigs has, cut to what a set can have.
func (c *costs) given(f *ast.Field) int {
	argument := f.Arguments.ForName("input")
	if argument == nil {
		return 1
	}
	c.varies = true
	raw, _ := argument.Value.Value(c.variables)
	input, _ := raw.(map[string]any)
	changes, isList := input["changes"].([]any)
	if !isList {
		return 1
	}
	return max(1, min(len(changes), config.MaxChanges))
}

func (c *costs) fragment(f *ast.FragmentDefinition, at place) cost {
	found, known := c.fragments[use{f, at}]
	if !known {
		if found = c.of(f.SelectionSet, at); c.fragments == nil {
			c.fragments = make(map[use]cost)
		}
		c.fragments[use{f, at}] = found
	}
	return found
}

// items is how many items the list of a field may have: 1 for a field that is no list.
func (c *costs) items(f *ast.Field, at place) int {
	if len(f.SelectionSet) == 0 {
		return 1
	}
	if first := f.Definition.Arguments.ForName("first"); first != nil {
		return c.pageSize(f.Arguments.ForName(first.Name), first.DefaultValue)
	}
	switch object := f.ObjectDefinition.Name; {
	case object == "ConfigDifference" && f.Name == "changes":
		return configstore.MaxDifferenceChanges
	case object == "ConfigsChanged" && f.Name == "revisions", object == "ChangesRejected" && f.Name == "errors":
		return at.changes
	case f.Name == "grants" && (object == "Token" || object == "Viewer"):
		return auth.MaxGrants
	case f.Name == "secrets" && object == "Token":
		return auth.MaxSecrets
	case f.Definition.Type.Elem != nil && strings.HasPrefix(object, "__"):
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
	c.varies = c.varies || value.Kind == ast.Variable
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
