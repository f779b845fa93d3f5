package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/transport/bounds"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/strictjson"
)

// reserveAnswer reserves memory for the largest answer that a mutation can have, before anything is
// written. It returns an error when there is none: the answer was given up then.
func (r *resolver) reserveAnswer(ctx context.Context, op *graphql.OperationContext) error {
	answer := bounds.AnswerOf(ctx)
	if answer == nil {
		return nil
	}
	reader, err := r.store.Reader(r.caller(ctx))
	if err != nil {
		return nil // the fields of the mutation meet the same error
	}
	return answer.BeginSure(largestAnswer(op, reader, r.store.MaxValueBytes()))
}

const (
	// leafBytes is the most that a field of a mutation's answer takes that is not a value, such as a
	// name or a reason.
	leafBytes = 2 << 10
	// maxSelected is where counts of fields saturate: fragments within fragments double them with
	// every level.
	maxSelected = 1 << 29
)

// largestAnswer returns the size in bytes of the largest answer that a mutation can have. It counts
// the given values and the values that they replace, escaped, as often as they are selected. It
// leaves out the pages of a config's past: they may be null when there is no memory for them.
func largestAnswer(op *graphql.OperationContext, reader *configstore.Reader, maxValue int) int64 {
	var sum int64
	c := selectionCounter{fragments: make(map[*ast.FragmentDefinition]selected)}
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Mutation"}) {
		result := c.result(field.Selections)
		sum += result.leaves * leafBytes
		if result.values > 0 {
			sum += result.values * largestValue(op, field, reader, maxValue)
		}
	}
	return sum
}

// largestValue returns the size in bytes, as JSON, of the longest value that the answer to one
// field of a mutation may show.
func largestValue(op *graphql.OperationContext, field graphql.CollectedField, reader *configstore.Reader, maxValue int) int64 {
	given := field.Arguments.ForName("input")
	if given == nil {
		return 0
	}
	raw, _ := given.Value.Value(op.Variables)
	input, _ := raw.(map[string]any)
	text, hasValue := input["value"].(string)
	largest := strictjson.QuotedLen(text)
	if field.Name == "restoreConfig" && !hasValue {
		largest = int64(maxValue) // the value that is restored is read later
	}
	name, _ := input["name"].(string)
	if parsed, err := config.ParseName(name); err == nil {
		if present := reader.Config(parsed); present != nil {
			largest = max(largest, strictjson.QuotedLen(present.Value.String()))
		}
	}
	return largest
}

// selected is how many fields a selection set selects that are in the answer: values of configs,
// and all leaves. A value is a leaf, too.
type selected struct{ values, leaves int64 }

func (s selected) plus(other selected) selected {
	return selected{min(s.values+other.values, maxSelected), min(s.leaves+other.leaves, maxSelected)}
}

// selectionCounter counts what selections of a valid document select, in time proportional to the
// document.
type selectionCounter struct {
	fragments map[*ast.FragmentDefinition]selected // :: fragment → what one use selects
}

// result counts what is selected of the result of a mutation. The result is of one of several
// types: the largest counts.
func (c *selectionCounter) result(set ast.SelectionSet) selected {
	var common, largest selected
	byType := make(map[string]selected) // :: object type → what is selected of that type alone
	for _, selection := range set {
		found := c.of(ast.SelectionSet{selection})
		condition := ""
		switch selection := selection.(type) {
		case *ast.InlineFragment:
			condition = selection.TypeCondition
		case *ast.FragmentSpread:
			condition = selection.Definition.TypeCondition
		}
		if !isResultType(condition) {
			common = common.plus(found)
			continue
		}
		byType[condition] = byType[condition].plus(found)
	}
	for _, found := range byType {
		largest = selected{max(largest.values, found.values), max(largest.leaves, found.leaves)}
	}
	return common.plus(largest)
}

// isResultType reports whether a type is one of the objects that the result of a mutation can be.
func isResultType(name string) bool {
	return name == "ConfigChanged" || strings.HasSuffix(name, "Error") && name != "UserError"
}

func (c *selectionCounter) of(set ast.SelectionSet) (sum selected) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			sum = sum.plus(c.field(selection))
		case *ast.InlineFragment:
			sum = sum.plus(c.of(selection.SelectionSet))
		case *ast.FragmentSpread:
			sum = sum.plus(c.fragment(selection.Definition))
		}
	}
	return sum
}

func (c *selectionCounter) field(f *ast.Field) selected {
	switch {
	case f.ObjectDefinition.Name == "Config" && (f.Name == "history" || f.Name == "asOf"):
		return selected{leaves: 1}
	case f.Name == "value" || f.Name == "oldValue":
		return selected{values: 1, leaves: 1}
	}
	return c.of(f.SelectionSet).plus(selected{leaves: 1})
}

func (c *selectionCounter) fragment(f *ast.FragmentDefinition) selected {
	found, known := c.fragments[f]
	if !known {
		found = c.of(f.SelectionSet)
		c.fragments[f] = found
	}
	return found
}
