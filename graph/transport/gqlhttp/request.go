package gqlhttp

import (
	"bytes"
	"net/http"
	"net/url"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/fault"
	"configapi/internal/strictjson"
)

// allowedMethods are the methods of GraphQL over HTTP, as the Allow header has them.
const allowedMethods = "GET, POST"

// Request is a GraphQL request that came over HTTP. The zero value is ready to use.
type Request struct {
	// Params are what the client asks for.
	Params graphql.RawParams
	// BodyBytes is the size of the body; 0 for a GET.
	BodyBytes int
}

// Read reads the request: the body of a POST, of up to so many bytes, or the URL of a GET.
func (q *Request) Read(w http.ResponseWriter, r *http.Request, maxBodyBytes int64) *gqlmsg.Fault {
	q.Params.Headers = r.Header
	switch r.Method {
	case http.MethodPost:
		return q.readPost(w, r, maxBodyBytes)
	case http.MethodGet:
		return q.readGet(r)
	default:
		return &gqlmsg.Fault{Kind: fault.MethodNotAllowed,
			Message: "the method must be GET or POST", Allow: allowedMethods}
	}
}

const wantBody = `the body must be a JSON object with "query", a string`

func (q *Request) readPost(w http.ResponseWriter, r *http.Request, maxBodyBytes int64) *gqlmsg.Fault {
	buffer := buffers.Get().(*[]byte)
	defer recycle(buffer)
	body, f := readBody(w, r, (*buffer)[:0], maxBodyBytes)
	*buffer = body
	q.BodyBytes = len(body)
	if f != nil {
		return f
	}
	var request gqlmsg.Request // shares no memory with the body
	if err := request.Read(body); err != nil {
		return refuseBody(body, err)
	}
	if request.IsPersisted() {
		return gqlmsg.PersistedFault()
	}
	if request.Query == "" {
		return gqlmsg.InvalidInput(wantBody)
	}
	q.Params.Query = request.Query
	q.Params.OperationName = request.OperationName
	q.Params.Variables = request.Variables
	q.Params.Extensions = request.Extensions
	return nil
}

func refuseBody(body []byte, err error) *gqlmsg.Fault {
	switch body := bytes.TrimLeft(body, " \t\r\n"); {
	case bytes.HasPrefix(body, []byte("[")):
		return gqlmsg.InvalidInput(wantBody + "; batches are not supported")
	case bytes.HasPrefix(body, []byte("{")):
		return gqlmsg.InvalidInput("the body is no GraphQL request: " + err.Error())
	default:
		return gqlmsg.InvalidInput(wantBody + ": " + err.Error())
	}
}

func (q *Request) readGet(r *http.Request) *gqlmsg.Fault {
	parameters, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return gqlmsg.InvalidInput("the URL's query is not properly encoded")
	}
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		if len(parameters[name]) > 1 {
			return gqlmsg.InvalidInput("the URL has the parameter " + name + " twice")
		}
	}
	if q.Params.Variables, err = readParameter(parameters, "variables"); err != nil {
		return gqlmsg.InvalidInput("the URL's parameter variables must be a JSON object: " + err.Error())
	}
	if q.Params.Extensions, err = readParameter(parameters, "extensions"); err != nil {
		return gqlmsg.InvalidInput("the URL's parameter extensions must be a JSON object: " + err.Error())
	}
	q.Params.OperationName = parameters.Get("operationName")
	q.Params.Query = parameters.Get("query")
	switch {
	case q.Params.Query == "" && gqlmsg.IsPersisted(q.Params.Extensions):
		return gqlmsg.PersistedFault()
	case q.Params.Query == "":
		return gqlmsg.InvalidInput("the URL must have the parameter query, a GraphQL document")
	case !utf8.ValidString(q.Params.Query), !utf8.ValidString(q.Params.OperationName):
		return gqlmsg.InvalidInput("the URL's query is not valid UTF-8")
	}
	return nil
}

// readParameter reads an object. An empty parameter is one that was left out: clients send both.
func readParameter(parameters url.Values, name string) (strictjson.Object, error) {
	text := parameters.Get(name)
	if text == "" {
		return nil, nil
	}
	var object strictjson.Object
	err := strictjson.Decode([]byte(text), &object, strictjson.Options{})
	return object, err
}
