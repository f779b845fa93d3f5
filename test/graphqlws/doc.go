// Package graphqlws is a table of what the graphql-transport-ws protocol asks of a server, each rule with a case that tries it on a
// running server. The protocol: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
//
// The cases speak in raw websocket frames, so that they can also say what a websocket library would not: messages in
// fragments, frames without a mask, lengths that are a lie, text that is not UTF-8, and nothing at all. They know the server only from
// outside: any server can be a [Target], in whatever language it is written.
//
// A server that runs somewhere is tried by the command in the folder check. In the tests of a Go server:
//
//	func TestProtocol(t *testing.T) {
//		server := httptest.NewServer(handler)
//		defer server.Close()
//		graphqlws.Run(t, graphqlws.Target{URL: server.URL, Query: "{hello}", …})
//	}
//
// Rules about time wait for as long as the server's limits say. In a bubble of testing/synctest that takes no time: there each case
// of [Cases] gets a bubble and a server of its own, connected by [Serve].
//
// The package needs nothing but the standard library, and internal/websockettest for the frames.
package graphqlws
