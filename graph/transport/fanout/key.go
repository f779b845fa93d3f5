package fanout

import (
	"encoding/json"
	"maps"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/99designs/gqlgen/graphql"
)

// groupKey names the subscriptions that get the same messages: same document, operation, variables
// and rights: see [Source]. The document is known by its text, since it is parsed anew when the
// cache has dropped it.
type groupKey struct{ query, operation, variables, rights string }

// keyOf returns the key of a subscription's group without the rights. A variable that only says
// where the subscription starts is left out: subscribers at the same offset are equal, wherever
// they started.
func keyOf(operation *graphql.OperationContext, offsetArgument string) groupKey {
	variables := operation.Variables
	if start := offsetVariable(operation, offsetArgument); start != "" {
		variables = maps.Clone(variables)
		delete(variables, start)
	}
	canonical, err := json.Marshal(variables) // sorts the members of objects
	if err != nil {
		panic(err) // they were JSON before
	}
	return groupKey{query: operation.RawQuery, operation: operation.OperationName, variables: string(canonical)}
}

// offsetVariable returns the name of the variable that is the root field's argument of this name,
// unless it is used elsewhere too.
func offsetVariable(operation *graphql.OperationContext, argument string) string {
	fields := graphql.CollectFields(operation, operation.Operation.SelectionSet, nil)
	if argument == "" || len(fields) != 1 {
		return ""
	}
	given := fields[0].Arguments.ForName(argument)
	if given == nil || given.Value.Kind != ast.Variable || uses(operation, given.Value.Raw) != 1 {
		return ""
	}
	return given.Value.Raw
}

// uses counts the uses of a variable in an operation and in the fragments of its document.
func uses(operation *graphql.OperationContext, variable string) int {
	count := usesInDirectives(operation.Operation.Directives, variable) + usesInSelections(operation.Operation.SelectionSet, variable)
	for _, fragment := range operation.Doc.Fragments {
		count += usesInDirectives(fragment.Directives, variable) + usesInSelections(fragment.SelectionSet, variable)
	}
	return count
}

func usesInSelections(selections ast.SelectionSet, variable string) (count int) {
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			count += usesInDirectives(selection.Directives, variable) + usesInSelections(selection.SelectionSet, variable)
			count += usesInArguments(selection.Arguments, variable)
		case *ast.InlineFragment:
			count += usesInDirectives(selection.Directives, variable) + usesInSelections(selection.SelectionSet, variable)
		case *ast.FragmentSpread:
			count += usesInDirectives(selection.Directives, variable)
		}
	}
	return count
}

func usesInDirectives(directives ast.DirectiveList, variable string) (count int) {
	for _, directive := range directives {
		count += usesInArguments(directive.Arguments, variable)
	}
	return count
}

func usesInArguments(arguments ast.ArgumentList, variable string) (count int) {
	for _, argument := range arguments {
		count += usesInValue(argument.Value, variable)
	}
	return count
}

func usesInValue(value *ast.Value, variable string) (count int) {
	if value.Kind == ast.Variable && value.Raw == variable {
		count++
	}
	for _, child := range value.Children {
		count += usesInValue(child.Value, variable)
	}
	return count
}
