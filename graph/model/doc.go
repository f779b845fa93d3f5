// Package model has the types of schema.graphql that gqlgen makes. `make generate` writes it.
package model
