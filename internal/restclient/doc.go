// Package restclient reads and changes the tokens of a server over its REST API: with a token, or
// over the server's admin socket. It adds the server's own types of tokens to package
// configapi/client/rest, which has everything else that a client needs.
package restclient
