// Package gqlmsg has what the protocols of GraphQL share: the request around a document, the
// errors that the transports themselves give, and the JSON of responses.
//
// Requests are read strictly ([configapi/internal/strictjson]): a duplicate member or half a
// surrogate pair is an error, numbers keep their digits, and members that GraphQL does not define
// are skipped. Errors have GraphQL's shape, {"message","extensions":{"code"}}, and never repeat a
// request. Responses take the data as gqlgen has written it, byte by byte.
//
// The package opens no connection and executes nothing; it does not know how a message is sent.
package gqlmsg

import (
	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/strictjson"
)

// Request is what a client sends around a document: the body of a POST, or the payload of
// subscribe. A nil Query is one that the client left out; so is an empty one.
type Request struct {
	Query         *string           `json:"query"`
	OperationName *string           `json:"operationName"`
	Variables     strictjson.Object `json:"variables"`
	Extensions    strictjson.Object `json:"extensions"`
}

// ReadOptions are the options by which requests, and the messages around them, are decoded.
var ReadOptions = strictjson.Options{AllowUnknown: true}

// Read decodes a request. The error is strictjson's, a sentence that clients may see.
func (r *Request) Read(data []byte) error { return strictjson.Decode(data, r, ReadOptions) }

// HasQuery reports whether the request has a document.
func (r *Request) HasQuery() bool { return r.Query != nil && *r.Query != "" }

// IsPersisted reports whether the client names its document by a hash alone. A client that sends
// the document along is answered as if it had sent no hash.
func (r *Request) IsPersisted() bool { return !r.HasQuery() && IsPersisted(r.Extensions) }

// IsPersisted reports whether extensions name a document by its hash.
func IsPersisted(extensions strictjson.Object) bool { return extensions["persistedQuery"] != nil }

// Params returns the request as gqlgen's executor takes it. It must have a query.
func (r *Request) Params() *graphql.RawParams {
	params := &graphql.RawParams{
		Query:      *r.Query,
		Variables:  r.Variables,
		Extensions: r.Extensions,
	}
	if r.OperationName != nil {
		params.OperationName = *r.OperationName
	}
	return params
}
