package graph

import (
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/coerce"
	"configapi/graph/scalar"
)

// values is what the values of an operation may be. A mutation answers a position that looks like
// none as data, with its path, as it does with names.
func values(schema *ast.Schema) map[ast.Operation]*coerce.Schema {
	of := func(position coerce.Scalar) *coerce.Schema {
		return &coerce.Schema{
			Types: schema.Types,
			Scalars: map[string]coerce.Scalar{
				"ConfigName": checkWith(scalar.UnmarshalConfigName),
				"DateTime":   checkWith(scalar.UnmarshalDateTime),
				"Position":   position,
			},
			MaxErrors: maxDocumentErrors,
		}
	}
	reading := of(checkWith(scalar.ParsePosition))
	return map[ast.Operation]*coerce.Schema{
		ast.Query:        reading,
		ast.Subscription: reading,
		ast.Mutation:     of(checkWith(scalar.UnmarshalPosition)),
	}
}

func checkWith[T any](unmarshal func(any) (T, error)) coerce.Scalar {
	return func(value any) error {
		_, err := unmarshal(value)
		return err
	}
}
