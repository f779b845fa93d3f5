package transport

import (
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

var envelopeOptions = strictjson.Options{AllowUnknown: true}
