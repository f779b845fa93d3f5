package document

import (
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/coerce"
	"configapi/graph/scalar"
)

// values returns what the variables and literals of each kind of operation may be. A position that
// is malformed is an error of the request in queries and subscriptions. A mutation returns it as
// data with its path, as it does with a malformed name.
func values(schema *ast.Schema) map[ast.Operation]*coerce.Schema {
	withPosition := func(position coerce.Scalar) *coerce.Schema {
		return &coerce.Schema{
			Types: schema.Types,
			Scalars: map[string]coerce.Scalar{
				"ConfigName": scalarOf(scalar.UnmarshalConfigName),
				"DateTime":   scalarOf(scalar.UnmarshalDateTime),
				"Position":   position,
			},
			MaxErrors: maxErrors,
		}
	}
	reads := withPosition(scalarOf(scalar.ParsePosition))
	return map[ast.Operation]*coerce.Schema{
		ast.Query:        reads,
		ast.Subscription: reads,
		ast.Mutation:     withPosition(scalarOf(scalar.UnmarshalPosition)),
	}
}

// scalarOf checks a value by unmarshalling it.
func scalarOf[T any](unmarshal func(any) (T, error)) coerce.Scalar {
	return func(value any) error {
		_, err := unmarshal(value)
		return err
	}
}
