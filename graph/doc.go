// Package graph is the GraphQL edge. It turns operations into calls of the config store, and what
// the store returns into objects and errors of the schema. It holds no rule of the domain.
//
// The schema is schema.graphql at the top of the project. gqlgen generates packages generated and
// model from it. The resolvers are written by hand, and a field without a resolver does not
// compile.
//
// # How one operation flows
//
//	step              file, function                        what it does
//
//	receive           handler.go, ServeHTTP                 chooses HTTP, websocket or SSE: package transport
//	parse and check   executor.go, CreateOperationContext   package document: text, syntax, limits, GraphQL's rules
//	coerce            "                                     package coerce: variables and literals
//	cost              "                                     package document: what the operation costs with its variables
//	dispatch          executor.go, DispatchOperation        chooses one of the four ways below
//
//	look-ups          lookup.go                             configs by name alone: without the generated code
//	query             operation.go, openReader              waits for what the fields ask for; one reader for all of them
//	mutation          mutationsize.go, reserveAnswer        reserves memory for the largest answer before the first write
//	subscription      subscription.go                       gives package transport a source of items; each is a message
//
//	resolve           query.go, config.go, snapshot.go,     call the config store; pages.go reads pages within the
//	                  mutation.go                           answer's memory, convert.go translates arguments
//	after each field  answersize.go, countField             counts the bytes; package encode writes objects in memory
//	present errors    errors.go, present                    error → code, path and a text without internals
//
// # Guarantees
//
//   - A document is refused before anything of it is executed when it asks for too much, is invalid,
//     or comes with variables that do not fit.
//   - All fields of a query read at one position.
//   - A mutation that was carried out has its answer: the memory for it is reserved before.
//   - Errors that the schema has no type for have a stable extensions.code. The text of an internal
//     error is in the log alone, under the request's id.
//
// The package does not authenticate: every caller is anonymous so far. It does not check origins,
// compress, or listen: package httpd does.
package graph
