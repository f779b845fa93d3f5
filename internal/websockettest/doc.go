// Package websockettest is the websocket client of tests, benchmarks, attacks and suites of faults.
//
// [Client] speaks graphql-transport-ws. Below it, [Conn] sends and receives single messages,
// [Frame] is one that may break any rule, and [Parser] takes bytes as they come. What a server
// sends must keep the rules of RFC 6455 for servers, in its shortest form and without extensions;
// anything else is an error.
//
// The package shares no code with the server's websockets, so a mistake there does not hide here.
// It needs nothing but the standard library.
package websockettest
