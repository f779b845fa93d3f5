// Package gqlws is GraphQL over websockets, as a transport for gqlgen's handler, by the
// graphql-transport-ws protocol to the letter. Package configapi/test/graphqlws has its rules as a
// suite. gqlgen's own transport is not used: it breaks the protocol in most error cases, and a
// reader that has stalled holds its resolver for ever.
//
//	ws := gqlws.New(gqlws.Options{Budgets: budgets})
//	server.AddTransport(ws) // before the one of plain HTTP
//	…
//	err := ws.Shutdown(ctx) // the HTTP server does not know of sockets
//
// # What a client can rely on
//
// An operation is ended by "complete", or by "error" when its source failed, when its document is
// refused or when a resolver panicked. A socket is never closed with 1000 unless the client asked
// for it: clients take 1000 for success. When it closes, what is queued is sent first. A client asks
// again for what ends without a word, from where it was.
//
// A peer that stops taking bytes is dropped after 10 s; until then only its own operations wait. An
// idle socket costs one goroutine, its reader's: there is a writer only while there is something to
// write.
//
// # What it does not do
//
// It never compresses, and does not check which page a request comes from: the HTTP server must do
// so before.
package gqlws
