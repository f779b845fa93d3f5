// Package graph is the GraphQL edge. It turns operations into calls of the config store, and what
// the store returns into objects and errors of the schema. It holds no rule of the domain.
//
// The schema is schema.graphql at the top of the project. gqlgen generates packages generated and
// model from it. The resolvers are written by hand, and a field without a resolver does not
// compile.
//
// # How one operation flows
//
// A transport takes the request: see ServeHTTP in handler.go, and package transport. It calls the
// executor, in executor.go, twice:
//
//	CreateOperationContext   checks the request: package document, in this order
//	  parse                    the text becomes a document
//	  check                    limits of documents, GraphQL's rules
//	  coerce                   variables and literals: package coerce
//	  cost                     what the operation costs with its variables
//	  introspect               whether the caller may read the schema: introspection.go
//	DispatchOperation        begins the operation, in one of four ways
//	  look-ups                 configs by name alone: lookup.go, without the generated code
//	  query                    one reader for all fields: openReader in operation.go
//	  mutation                 memory for the answer, before any write: mutationsize.go
//	  subscription             a source of items, each of which becomes a message: subscription.go
//
// The function that DispatchOperation returns executes the operation. The generated code calls the
// resolvers, field by field:
//
//	resolve    query.go, list.go, history.go, snapshot.go, diff.go, subscription.go
//	           mutation.go, changeset.go, revert.go; usererror.go: failures as data
//	           convert.go: arguments; package input: the changes of a set
//	           pages.go: reads within the answer's memory
//	count      countField in answersize.go: the bytes of each result; package encode writes
//	           results that are in memory
//	present    errors.go: an error becomes a code, a path and a text without internals
//
// # Guarantees
//
//   - A document that asks for too much or is invalid, and variables that do not fit it, are
//     refused before any field is executed.
//   - All fields of a query read at one position.
//   - A mutation that was carried out can be answered: the memory is reserved before it runs.
//   - Errors for which the schema has no type have a stable extensions.code. The text of an
//     internal error is in the log alone, under the request's id.
//
// The package authenticates only websockets, whose token may come in their first message. Package
// httpd authenticates all other requests, checks origins and listens. Neither compresses answers.
package graph
