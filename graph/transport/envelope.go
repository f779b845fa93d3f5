package transport

import (
	"net/http"

	"configapi/internal/strictjson"
)

// envelope is what a client sends around a document: the body of a POST, or the payload of subscribe.
// Members that it does not know are for others, and skipped.
type envelope struct {
	Query         *string           `json:"query"`
	OperationName *string           `json:"operationName"`
	Variables     strictjson.Object `json:"variables"`
	Extensions    strictjson.Object `json:"extensions"`
}

// isPersisted reports whether the client asks for a document that it has named by a hash alone. A
// client that sends the document along is answered as if it had sent no hash.
func (e *envelope) isPersisted() bool {
	return (e.Query == nil || *e.Query == "") && isPersisted(e.Extensions)
}

func isPersisted(extensions strictjson.Object) bool { return extensions["persistedQuery"] != nil }

// persistedNotSupported is what clients know as the word to send the whole document from then on:
// Apollo's and urql's look for this message or this code in an answer of status 200.
const persistedNotSupported = "PersistedQueryNotSupported"

func persistedFault() *fault {
	return &fault{status: http.StatusOK, code: CodePersistedQueryNotSupported, message: persistedNotSupported}
}

var envelopeOptions = strictjson.Options{AllowUnknown: true}
