// Package transport carries GraphQL over HTTP, websockets and server-sent events for gqlgen's handler: [HTTP] speaks GraphQL over
// HTTP (POST and GET), [Websocket] the graphql-transport-ws protocol, [SSE] the graphql-sse protocol with distinct connections.
// gqlgen's own transports are not used, because they break the protocols in most error cases, take bodies without a limit and repeat
// them in errors, and let a reader that has stalled hold its resolver for ever.
//
// How to mount them. The first transport that supports a request takes it, and HTTP takes whatever comes, so that it goes last:
//
//	server := handler.New(schema)
//	server.AddTransport(websocket) // transport.NewWebsocket(transport.WebsocketOptions{…})
//	server.AddTransport(sse)       // transport.NewSSE(transport.SSEOptions{…})
//	server.AddTransport(transport.NewHTTP(transport.HTTPOptions{}))
//
// Everything about documents belongs to the handler, not to the transports: the cache of parsed documents, the parser's token limit,
// validation rules, the error presenter and the recover function. Before the process ends, call [Websocket.Shutdown]:
// the HTTP server does not know of sockets that were taken over from it. And call [SSE.Shutdown]: it would wait for streams for ever.
//
// # What a client can rely on
//
// Errors always have GraphQL's shape, {"errors":[{"message","extensions":{"code"}}]}, also when the request never reached GraphQL.
// A request that failed before its execution has no "data" at all. A refused document gives at most 10 errors. No error repeats a body.
//
// A stream is ended by "complete", or by "error" when its [Source] or [FailStream] said so, when the document is refused or when
// the resolver panicked; an event stream by "complete" in any case, after the errors. A socket is never closed with 1000 unless the
// client asked for it: clients take 1000 for success. What ends without a word is to be asked for again; where a client was then,
// its resolver may learn from [LastEventID].
//
// # What it does not do
//
// It does not deliver incrementally: an answer to a document with @defer is refused, since it would
// be cut short. (Better take the directive out of the schema, where gqlparser puts it unasked.) It
// has no cookies, does not check which page a request comes from (the HTTP server must do so
// before), and has no batches, no uploads and no compression on sockets.
package transport
