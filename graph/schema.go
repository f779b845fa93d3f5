package graph

import (
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/generated"
)

// executable returns the schema with its resolvers. Introspection shows what old tools can read:
// graphql-js from 14 on and graphql-core fail on directives and locations that they do not know.
func executable(root *resolver) graphql.ExecutableSchema {
	whole := generated.NewExecutableSchema(generated.Config{Resolvers: root}).Schema()
	return generated.NewExecutableSchema(generated.Config{Resolvers: root, Schema: withoutNewerParts(whole)})
}

// withoutNewerParts returns a schema without what gqlparser adds to every schema: the directive
// @defer, which this server does not execute, and the location DIRECTIVE_DEFINITION, which is newer
// than the specification of October 2021.
func withoutNewerParts(whole *ast.Schema) *ast.Schema {
	schema := *whole
	schema.Directives = maps.Clone(whole.Directives)
	delete(schema.Directives, "defer")
	for name, directive := range schema.Directives {
		known := *directive
		known.Locations = slices.DeleteFunc(slices.Clone(known.Locations), func(l ast.DirectiveLocation) bool {
			return l == ast.LocationDirectiveDefinition
		})
		schema.Directives[name] = &known
	}
	const locations = "__DirectiveLocation"
	schema.Types = maps.Clone(whole.Types)
	known := *schema.Types[locations]
	known.EnumValues = slices.DeleteFunc(slices.Clone(known.EnumValues), func(v *ast.EnumValueDefinition) bool {
		return v.Name == string(ast.LocationDirectiveDefinition)
	})
	schema.Types[locations] = &known
	return &schema
}
