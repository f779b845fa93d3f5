package gqlhttp

import (
	"bytes"
	"net/http"
	"net/url"
	"sync"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/strictjson"
)

// AllowedMethods are the methods of GraphQL over HTTP, as the Allow header has them.
const AllowedMethods = "GET, POST"

// Request is a GraphQL request that came over HTTP. The zero value is ready to use.
type Request struct {
	// Params are what the client asks for.
	Params graphql.RawParams

	body   []byte
	answer []byte
	// query and operationName are where the pointers of a [gqlmsg.Request] point, so that decoding
	// allocates the strings alone.
	query, operationName string
}

// requests keep the buffers of requests for later ones. That saves a quarter of the bytes that a
// request allocates (BenchmarkPost).
var requests = sync.Pool{New: func() any { return new(Request) }}

// maxRecycled is the largest buffer, in bytes, that is kept for later requests.
const maxRecycled = 64 << 10

func (q *Request) recycle() {
	if cap(q.body) > maxRecycled || cap(q.answer) > maxRecycled {
		return
	}
	*q = Request{body: q.body[:0], answer: q.answer[:0]}
	requests.Put(q)
}

// BodyBytes returns the size of the body; 0 for a GET.
func (q *Request) BodyBytes() int { return len(q.body) }

// Read reads the request: the body of a POST, of up to so many bytes, or the URL of a GET.
func (q *Request) Read(r *http.Request, maxBodyBytes int64) *gqlmsg.Fault {
	q.Params.Headers = r.Header
	switch r.Method {
	case http.MethodPost:
		return q.readPost(r, maxBodyBytes)
	case http.MethodGet:
		return q.readGet(r)
	default:
		return &gqlmsg.Fault{Status: http.StatusMethodNotAllowed, Code: gqlmsg.CodeInvalidInput,
			Message: "the method must be GET or POST", Allow: AllowedMethods}
	}
}

const wantBody = `the body must be a JSON object with "query", a string`

func (q *Request) readPost(r *http.Request, maxBodyBytes int64) *gqlmsg.Fault {
	body, f := readBody(r, q.body[:0], maxBodyBytes)
	q.body = body
	if f != nil {
		return f
	}
	// Into fields that are there already: query stays set when it is missing, and is then empty.
	request := gqlmsg.Request{Query: &q.query, OperationName: &q.operationName}
	if err := request.Read(body); err != nil {
		return refuseBody(body, err)
	}
	if request.IsPersisted() {
		return gqlmsg.PersistedFault()
	}
	if !request.HasQuery() {
		return gqlmsg.InvalidInput(wantBody)
	}
	q.Params.Query = *request.Query
	q.Params.OperationName = q.operationName
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
