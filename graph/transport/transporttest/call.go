package transporttest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"configapi/graph/transport/gqlmsg"
)

// The content types of answers.
const (
	TypeJSON     = "application/json; charset=utf-8"
	TypeResponse = "application/graphql-response+json; charset=utf-8"
)

// Call is one request over HTTP and what must come back. The zero method is POST, with the content
// type JSON unless another is given.
type Call struct {
	Name, Method, Target, Body string
	Header                     map[string]string

	Status int
	Media  string // "": JSON
	Want   string // the whole body; or
	Code   string // the code of the first error, with
	Says   string // a part of its message
	Check  func(t *testing.T, header http.Header)
}

// Do sends the request.
func (c Call) Do(t *testing.T, server http.Handler) {
	t.Helper()
	method, target := c.Method, c.Target
	if method == "" {
		method = http.MethodPost
	}
	if target == "" {
		target = "/graphql"
	}
	r := httptest.NewRequest(method, target, strings.NewReader(c.Body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, value := range c.Header {
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	c.Verify(t, w)
}

// Verify checks an answer.
func (c Call) Verify(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	media := c.Media
	if media == "" {
		media = TypeJSON
	}
	if got := w.Header().Get("Content-Type"); w.Code != c.Status || got != media {
		t.Fatalf("got %d %s, want %d %s: %s", w.Code, got, c.Status, media, w.Body)
	}
	if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got headers %v, want nosniff and no-store", w.Header())
	}
	if c.Check != nil {
		c.Check(t, w.Header())
	}
	if c.Want != "" && w.Body.String() != c.Want {
		t.Errorf("got %s, want %s", w.Body, c.Want)
	}
	if c.Code != "" {
		c.VerifyError(t, w.Body.Bytes())
	}
}

// VerifyError checks the errors of an answer without data.
func (c Call) VerifyError(t *testing.T, body []byte) {
	t.Helper()
	var answer struct {
		Data   *json.RawMessage `json:"data"`
		Errors []struct {
			Message    string         `json:"message"`
			Extensions map[string]any `json:"extensions"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || len(answer.Errors) == 0 {
		t.Fatalf("got %q, want GraphQL errors: %v", body, err)
	}
	if bytes.Contains(body, []byte(`"data"`)) {
		t.Errorf("got %s, want no data", body)
	}
	first := answer.Errors[0]
	if first.Extensions["code"] != c.Code || !strings.Contains(first.Message, c.Says) {
		t.Errorf("got %v %q, want %s … %q", first.Extensions, first.Message, c.Code, c.Says)
	}
	if len(answer.Errors) > gqlmsg.MaxRequestErrors || bytes.Contains(body, []byte("s3cret")) || len(first.Message) > 600 {
		t.Errorf("got too much: %.2000s", body)
	}
}

// Allows checks the header of that name.
func Allows(methods string) func(*testing.T, http.Header) {
	return func(t *testing.T, header http.Header) {
		t.Helper()
		if got := header.Get("Allow"); got != methods {
			t.Errorf("got Allow %q, want %q", got, methods)
		}
	}
}

// HangsUp checks that the server closes the connection.
func HangsUp(t *testing.T, header http.Header) {
	t.Helper()
	if header.Get("Connection") != "close" {
		t.Errorf("got %v, want Connection: close", header)
	}
}

// AcceptResponse asks for application/graphql-response+json.
var AcceptResponse = map[string]string{"Accept": "application/graphql-response+json"}

// PersistedAnswer makes clients of persisted queries send their documents.
const PersistedAnswer = `{"errors":[{"message":"PersistedQueryNotSupported","extensions":{"code":"PERSISTED_QUERY_NOT_SUPPORTED"}}]}`

// StreamRequest is a request for an event stream: a POST, or a GET when the target has a query.
func StreamRequest(target, body string, headers ...string) *http.Request {
	method := http.MethodPost
	if strings.Contains(target, "?") {
		method = http.MethodGet
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Accept", "text/event-stream")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Set(name, value)
	}
	return r
}

// EventStream returns a whole event stream: "next" for each text, with an id where that begins with
// "#id ", and then "complete".
func EventStream(next ...string) string {
	stream := ":\n\n"
	for _, data := range next {
		id := ""
		if text, identified := strings.CutPrefix(data, "#"); identified {
			id, data, _ = strings.Cut(text, " ")
			id = "id: " + id + "\n"
		}
		stream += "event: next\n" + id + "data: " + data + "\n\n"
	}
	return stream + "event: complete\ndata: \n\n"
}

// Query returns the target of a GET.
func Query(document string) string { return "/graphql?" + url.Values{"query": {document}}.Encode() }

// Post returns the body of a POST.
func Post(document string) string { return `{"query":` + Quote(document) + `}` }
