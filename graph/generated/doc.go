// Package generated is what gqlgen makes of schema.graphql. `make generate` writes it.
package generated
