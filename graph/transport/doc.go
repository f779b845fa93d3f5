// Package transport has the ways by which GraphQL reaches clients, for gqlgen's handler. gqlgen's
// own transports are not used: they break the protocols in most error cases, take bodies without a
// limit and repeat them in errors, and let a reader that has stalled hold its resolver for ever.
//
// The packages, each of which imports only those below it:
//
//	gqlws      websockets: the graphql-transport-ws protocol
//	gqlsse     server-sent events: the graphql-sse protocol with distinct connections
//	gqlhttp    GraphQL over HTTP: POST and GET
//	fanout     sources, producers, groups and subscribers: one item on its way to many clients
//	bounds     the memory and the time of an answer, and what all transports share of them
//	gqlmsg     requests, errors and responses, as all protocols have them
//
// gqlws knows nothing of gqlsse and gqlhttp, and fanout knows no protocol.
//
// # How to mount them
//
// The first transport that supports a request takes it. gqlhttp takes every request, so it goes
// last:
//
//	budgets := bounds.NewBudgets(bounds.Options{})
//	server := handler.New(schema)
//	server.AddTransport(gqlws.New(gqlws.Options{Budgets: budgets}))
//	server.AddTransport(gqlsse.New(gqlsse.Options{Budgets: budgets}))
//	server.AddTransport(gqlhttp.New(gqlhttp.Options{Budgets: budgets}))
//
// Before the process ends, call Shutdown of the first two. Everything about documents belongs to
// the handler: the cache of parsed documents, the parser's token limit, validation rules, the error
// presenter and the recover function.
//
// # What all of them guarantee
//
// Errors always have GraphQL's shape, {"errors":[{"message","extensions":{"code"}}]}, also when the
// request never reached GraphQL. A request that failed before its execution has no "data" at all. A
// refused document gives at most 10 errors. No error repeats a body.
//
// # What they do not do
//
// They do not deliver incrementally: an answer to a document with @defer is refused, since it would
// be cut short. They have no cookies, no batches, no uploads and no compression of their own, and
// do not check which page a request comes from: the HTTP server must do so before.
package transport
