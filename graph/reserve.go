package graph

import (
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/internal/config"
	"configapi/internal/configstore"
)

// leafBytes is what a field of a mutation's answer takes at most, in bytes, when it is no value:
// such as a name or a reason.
const leafBytes = 2 << 10

// largestAnswer returns the size of the largest answer that a mutation can have: its values and
// those that it replaces, escaped, as often as they are asked for. Pages of a config's past are
// left out: they may be null when there is no room.
func largestAnswer(op *graphql.OperationContext, reader *configstore.Reader, maxValue int) int64 {
	var sum int64
	w := weigher{fragments: make(map[*ast.FragmentDefinition]weight)}
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Mutation"}) {
		asked := w.result(field.Selections)
		sum += asked.leaves * leafBytes
		if asked.values > 0 {
			sum += asked.values * largestValue(op, field, reader, maxValue)
		}
	}
	return sum
}

// largestValue returns the size of the longest value that the answer to one field of a mutation may
// show, as JSON.
func largestValue(op *graphql.OperationContext, field graphql.CollectedField, reader *configstore.Reader, maxValue int) int64 {
	given := field.Arguments.ForName("input")
	if given == nil {
		return 0
	}
	raw, _ := given.Value.Value(op.Variables)
	input, _ := raw.(map[string]any)
	text, hasValue := input["value"].(string)
	largest := quotedSize(text)
	if field.Name == "restoreConfig" && !hasValue {
		largest = int64(maxValue) // what comes back is read later
	}
	name, _ := input["name"].(string)
	if parsed, err := config.ParseName(name); err == nil {
		if present := reader.Config(parsed); present != nil {
			largest = max(largest, quotedSize(present.Value.String()))
		}
	}
	return largest
}

// weight is what selections ask for: values of configs, and other fields.
type weight struct{ values, leaves int64 }

func (w weight) plus(other weight) weight {
	return weight{min(w.values+other.values, many), min(w.leaves+other.leaves, many)}
}

// weigher counts what selections of a valid document ask for, in time proportional to the document.
type weigher struct {
	fragments map[*ast.FragmentDefinition]weight // :: those looked at → what one use asks for
}

// result counts what the result of a mutation asks for. It is of one of several types: the largest
// counts.
func (w *weigher) result(set ast.SelectionSet) weight {
	var common, largest weight
	byType := make(map[string]weight) // :: object type → what is asked for of that type alone
	for _, selection := range set {
		asked := w.of(ast.SelectionSet{selection})
		condition := ""
		switch selection := selection.(type) {
		case *ast.InlineFragment:
			condition = selection.TypeCondition
		case *ast.FragmentSpread:
			condition = selection.Definition.TypeCondition
		}
		if !isResult(condition) {
			common = common.plus(asked)
			continue
		}
		byType[condition] = byType[condition].plus(asked)
	}
	for _, asked := range byType {
		largest = weight{max(largest.values, asked.values), max(largest.leaves, asked.leaves)}
	}
	return common.plus(largest)
}

// isResult reports whether a type is one of the objects that the result of a mutation can be.
func isResult(name string) bool {
	return name == "ConfigChanged" || strings.HasSuffix(name, "Error") && name != "UserError"
}

func (w *weigher) of(set ast.SelectionSet) (sum weight) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			sum = sum.plus(w.field(selection))
		case *ast.InlineFragment:
			sum = sum.plus(w.of(selection.SelectionSet))
		case *ast.FragmentSpread:
			sum = sum.plus(w.fragment(selection.Definition))
		}
	}
	return sum
}

func (w *weigher) field(f *ast.Field) weight {
	switch {
	case f.ObjectDefinition.Name == "Config" && (f.Name == "history" || f.Name == "asOf"):
		return weight{leaves: 1}
	case f.Name == "value" || f.Name == "oldValue":
		return weight{values: 1, leaves: 1}
	}
	return w.of(f.SelectionSet).plus(weight{leaves: 1})
}

func (w *weigher) fragment(f *ast.FragmentDefinition) weight {
	asked, known := w.fragments[f]
	if !known {
		asked = w.of(f.SelectionSet)
		w.fragments[f] = asked
	}
	return asked
}
