// Package api is the code that genqlient generates from operations.graphql, by `go generate`.
package api
