package transport

import (
	"bytes"
	"net/http"

	"configapi/internal/content"
	"configapi/internal/strictjson"
)

const wantBody = `the body must be a JSON object with "query", a string`

func (h *HTTP) readPost(w http.ResponseWriter, r *http.Request, request *request) *fault {
	if err := postBodies.Check(r.Header); err != nil {
		return refusedContent(err)
	}
	body, refused := content.Read(request.body[:0], w, r, h.options.MaxBodyBytes)
	request.body = body
	if refused != nil {
		return refusedContent(refused)
	}
	// Into fields of the request that are there already: Query stays set when it is missing, and is then empty.
	envelope := envelope{Query: &request.query, OperationName: &request.operationName}
	if err := strictjson.Decode(body, &envelope, envelopeOptions); err != nil {
		return refuseBody(body, err)
	}
	if envelope.isPersisted() {
		return persistedFault()
	}
	if envelope.Query == nil || *envelope.Query == "" {
		return invalidInput(wantBody)
	}
	request.params.Query = *envelope.Query
	request.params.OperationName = request.operationName
	request.params.Variables = envelope.Variables
	request.params.Extensions = envelope.Extensions
	return nil
}

// postBodies are the bodies that are accepted: JSON with a content type that says so. Forms, plain
// text and bodies without a type are what a foreign page can send without asking.
var postBodies = content.Accepted{Types: []string{content.JSON}, Want: "JSON in UTF-8, sent as " + content.JSON}

// refusedContent returns the fault for a body that is not accepted or cannot be read.
func refusedContent(err *content.Error) *fault {
	return &fault{status: err.Kind.Status(), code: err.Kind.GraphQLCode(), message: err.Detail, hangUp: err.Unread()}
}

func refuseBody(body []byte, err error) *fault {
	switch body := bytes.TrimLeft(body, " \t\r\n"); {
	case bytes.HasPrefix(body, []byte("[")):
		return invalidInput(wantBody + "; batches are not supported")
	case bytes.HasPrefix(body, []byte("{")):
		return invalidInput("the body is no GraphQL request: " + err.Error())
	default:
		return invalidInput(wantBody + ": " + err.Error())
	}
}
