// Package rest is a typed client of the REST API of one server. It sends requests and follows
// streams; package client, above it, keeps a set of configs that is always there.
//
// A token goes to the server that it was given for, and to no other: redirects are not followed,
// and over http:// it goes to this machine alone, unless [Options.Insecure] is set. HTTPS_PROXY is
// honoured, since a proxy passes TLS on without reading it; http:// uses no proxy.
//
// Every error of a request is an [*Error], which says what the caller knows of the outcome: nothing
// was sent, the server refused, or the outcome is unknown. Reads are tried again when a connection
// breaks before their answer. A change set has an idempotency key, with which [Client.Apply] and
// the reverts send it again until they know what became of it.
//
// Lists are decoded element by element while they arrive, and call a function with each. One
// element, and any other answer, may have 64 MiB. A context bounds how long a request takes; in
// addition, a connection is made within 10 s, and a server that sends nothing for a minute has
// failed.
package rest
