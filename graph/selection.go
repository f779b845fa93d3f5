package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/internal/configstore"
)

// valueField is the field of configs and revisions that costs a read of their data.
const valueField = "value"

// asSelected is the snapshot for the field that is being resolved: without values unless one is
// selected.
func asSelected(ctx context.Context, snapshot *configstore.Snapshot) *configstore.Snapshot {
	if selects(ctx, valueField) {
		return snapshot
	}
	return snapshot.WithoutValues()
}

// selects reports whether a field is selected anywhere below the field that is being resolved,
// whatever aliases, fragments, @skip and @include say: rather once too often.
func selects(ctx context.Context, name string) bool {
	field := graphql.GetFieldContext(ctx)
	return field == nil || selectsIn(field.Field.Selections, name)
}

func selectsIn(selections ast.SelectionSet, name string) bool {
	for _, selection := range selections {
		below := ast.SelectionSet(nil)
		switch selection := selection.(type) {
		case *ast.Field:
			if selection.Name == name {
				return true
			}
			below = selection.SelectionSet
		case *ast.InlineFragment:
			below = selection.SelectionSet
		case *ast.FragmentSpread:
			below = selection.Definition.SelectionSet
		}
		if selectsIn(below, name) {
			return true
		}
	}
	return false
}
