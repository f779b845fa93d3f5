package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/encode"
	"configapi/graph/transport/bounds"
	"configapi/internal/auth"
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
	sure, perhaps := largestAnswer(op, reader, r.store.MaxValueBytes())
	return answer.BeginSure(sure + min(perhaps, max(0, answer.MaxSize()-sure)))
}

// largestAnswer returns the size in bytes of the largest answer that a mutation can have. It counts
// the given values and the values that they replace, escaped, as often as they are selected: sure.
// Values that are read later can only be estimated, and may be null when there is no memory for
// them: perhaps. It leaves out all else that may be null: see [mayFailAlone].
func largestAnswer(op *graphql.OperationContext, reader *configstore.Reader, maxValue int) (sure, perhaps int64) {
	for _, field := range graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Mutation"}) {
		if isChangeSet(field.Name) {
			more, values := largestSet(op, field, reader)
			sure, perhaps = sure+more, perhaps+values
			continue
		}
		c := selectionCounter{items: 1, fragments: make(map[*ast.FragmentDefinition]selected)}
		result := c.result(field.Selections)
		sure += result.bytes
		if values := result.values + result.oldValues; values > 0 {
			sure += values * largestValue(op, field, reader, maxValue)
		}
	}
	return sure, perhaps
}

// inputOf returns the input of a field of a mutation, nil for none.
func inputOf(op *graphql.OperationContext, field *ast.Field) map[string]any {
	given := field.Arguments.ForName("input")
	if given == nil {
		return nil
	}
	raw, _ := given.Value.Value(op.Variables)
	input, _ := raw.(map[string]any)
	return input
}

// largestValue returns the size in bytes, as JSON, of the longest value that the answer to one
// field of a mutation may show.
func largestValue(op *graphql.OperationContext, field graphql.CollectedField, reader *configstore.Reader, maxValue int) int64 {
	input := inputOf(op, field.Field)
	text, hasValue := input["value"].(string)
	largest := strictjson.QuotedLen(text)
	if field.Name == "restoreConfig" && !hasValue {
		largest = int64(maxValue) // the value that is restored is read later
	}
	return max(largest, presentValue(input, reader))
}

// presentValue returns the size in bytes, as JSON, of the present value of the config that an input
// names.
func presentValue(input map[string]any, reader *configstore.Reader) int64 {
	text, _ := input["name"].(string)
	if name, err := config.ParseName(text); err == nil {
		if present := reader.Config(name); present != nil {
			return strictjson.QuotedLen(present.Value.String())
		}
	}
	return 0
}

// selected is what a selection set selects that is in the answer: values of configs, and the bytes
// of everything else.
type selected struct{ values, oldValues, bytes int64 }

func (s selected) plus(other selected) selected {
	return selected{
		min(s.values+other.values, maxSelected), min(s.oldValues+other.oldValues, maxSelected), min(s.bytes+other.bytes, maxBytes),
	}
}

// larger returns the larger number of each kind.
func (s selected) larger(other selected) selected {
	return selected{max(s.values, other.values), max(s.oldValues, other.oldValues), max(s.bytes, other.bytes)}
}

// The numbers of fields and bytes saturate: fragments within fragments double them with every
// level.
const (
	maxSelected = 1 << 29
	maxBytes    = 1 << 40
)

// leafBytes returns the most that a field of a mutation's answer takes that is neither an object
// nor a value, without its name.
func leafBytes(field string) int64 {
	switch field {
	case "reason":
		return 2 << 10
	case "message":
		return 1 << 10
	case "id", "configId", "name", "path", "actor", "prefix", "createdBy":
		return 512
	case "secret":
		return 128
	}
	return 64
}

// selectionCounter counts what selections of a valid document select, in time proportional to the
// document.
type selectionCounter struct {
	// items is how many items the lists of the outcome have. Their values are counted once: the
	// caller knows how long all of them are together.
	items     int64
	fragments map[*ast.FragmentDefinition]selected // :: fragment → what one use selects
}

// result counts what is selected of the result of a mutation. The result is of one of several
// types: the largest counts.
func (c *selectionCounter) result(set ast.SelectionSet) selected {
	common, byType := c.byType(set)
	var largest selected
	for _, found := range byType {
		largest = largest.larger(found)
	}
	return common.plus(largest)
}

// byType counts what is selected of the result of a mutation for all of its types, and for each
// alone.
func (c *selectionCounter) byType(set ast.SelectionSet) (common selected, byType map[string]selected) {
	byType = make(map[string]selected) // :: object type → what is selected of that type alone
	for _, selection := range set {
		found := c.of(ast.SelectionSet{selection})
		condition := ""
		switch selection := selection.(type) {
		case *ast.InlineFragment:
			condition = selection.TypeCondition
		case *ast.FragmentSpread:
			condition = selection.Definition.TypeCondition
		}
		if isResultType(condition) {
			byType[condition] = byType[condition].plus(found)
		} else {
			common = common.plus(found)
		}
	}
	return common, byType
}

// isResultType reports whether a type is one of the objects that the result of a mutation, or an
// error in it, can be.
func isResultType(name string) bool {
	switch name {
	case "ConfigChanged", "ConfigsChanged", "ChangesRejected", "TokenIssued", "TokenChanged":
		return true
	}
	return strings.HasSuffix(name, "Error") && name != "UserError"
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
	field := selected{bytes: encode.NameSize(f.Alias) + leafBytes(f.Name)}
	switch {
	case readsMore(f.ObjectDefinition.Name, f.Name):
		return field
	case f.Name == "value":
		field.values = 1
		return field
	case f.Name == "oldValue":
		field.oldValues = 1
		return field
	case f.Name == "unchanged":
		field.bytes += c.items * maxNameBytes
		return field
	case f.Name == "revisions":
		return field.plus(c.list(c.of(f.SelectionSet), c.items))
	case f.Name == "grants":
		return field.plus(c.list(c.of(f.SelectionSet), auth.MaxGrants))
	case f.Name == "secrets":
		return field.plus(c.list(c.of(f.SelectionSet), auth.MaxSecrets))
	case f.Name == "errors":
		return field.plus(c.list(c.result(f.SelectionSet), failuresPerChange*c.items+setFailures))
	}
	return field.plus(c.of(f.SelectionSet))
}

const (
	maxNameBytes = config.MaxNameBytes + int64(len(`"",`))
	// failuresPerChange is how many failures a change can have with a config that they show, and
	// setFailures how many the set as a whole can have.
	failuresPerChange = 2
	setFailures       = 10
)

func (c *selectionCounter) list(item selected, items int64) selected {
	item.bytes = min((item.bytes+int64(len(`{},`)))*items, maxBytes)
	return item
}

func (c *selectionCounter) fragment(f *ast.FragmentDefinition) selected {
	found, known := c.fragments[f]
	if !known {
		found = c.of(f.SelectionSet)
		c.fragments[f] = found
	}
	return found
}
