// Package api is what genqlient makes of operations.graphql. `go generate` writes it.
package api
