package edgetest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/edgetest"
	"configapi/internal/rest"
)

// edges are all edges.
var edges = map[string]func(t *testing.T, store *configstoretest.Store) edgetest.Edge{
	"REST": func(t *testing.T, store *configstoretest.Store) edgetest.Edge {
		return restEdge{start(t, rest.New(store.Store, rest.Options{}))}
	},
	"GraphQL": func(t *testing.T, store *configstoretest.Store) edgetest.Edge {
		return graphEdge{start(t, graph.NewHandler(store.Store, graph.Options{}))}
	},
}

// server is an edge behind an HTTP server.
type server struct{ *httptest.Server }

func start(t *testing.T, edge http.Handler) server {
	s := httptest.NewServer(edge)
	// Close waits for connections whose body was refused, which net/http keeps open for half a
	// second.
	t.Cleanup(func() {
		s.Listener.Close()
		s.CloseClientConnections()
	})
	return server{s}
}

// request returns a request "METHOD /path". headers has names and values in turn.
func (s server) request(ctx context.Context, t testing.TB, request string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// ask sends a request "METHOD /path". headers has names and values in turn.
func (s server) ask(t testing.TB, request, contentType, body string, headers ...string) (status int, answer string) {
	t.Helper()
	r := s.request(t.Context(), t, request, strings.NewReader(body), append([]string{"Content-Type", contentType}, headers...)...)
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(got)
}

const jsonType = "application/json"

type restEdge struct{ server }

func (e restEdge) Set(t testing.TB, name, value string) edgetest.Answer {
	return e.try(t, "PUT /config/"+url.PathEscape(name), jsonType, `{"value":`+value+`}`)
}

func (e restEdge) SetWithKey(t testing.TB, name, value, key string) edgetest.Answer {
	return e.try(t, "PUT /config/"+url.PathEscape(name), jsonType, `{"value":`+value+`}`, "Idempotency-Key", key)
}

func (e restEdge) Delete(t testing.TB, name string) edgetest.Answer {
	return e.try(t, "DELETE /config/"+url.PathEscape(name), jsonType, "")
}

func (e restEdge) Restore(t testing.TB, name string) edgetest.Answer {
	return e.try(t, "POST /config/"+url.PathEscape(name)+"/restore", jsonType, "")
}

func (e restEdge) Read(t testing.TB, name string) edgetest.Answer {
	return e.try(t, "GET /config/"+url.PathEscape(name), jsonType, "")
}

func (e restEdge) History(t testing.TB, name string) edgetest.Answer {
	return e.try(t, "GET /config/"+url.PathEscape(name)+"/history", jsonType, "")
}

func (e restEdge) ReadAt(t testing.TB, name, instant string) edgetest.Answer {
	return e.try(t, "GET /config/"+url.PathEscape(name)+"/at/"+url.PathEscape(instant), jsonType, "")
}

func (e restEdge) Tampered(t testing.TB, tamper func(string) string) edgetest.Answer {
	return e.try(t, "PUT /config/"+url.PathEscape(edgetest.Good), jsonType, tamper(`{"value":"`+edgetest.GoodValue+`"}`))
}

func (e restEdge) Typed(t testing.TB, contentType string) edgetest.Answer {
	return e.try(t, "PUT /config/"+url.PathEscape(edgetest.Good), contentType, `{"value":"`+edgetest.GoodValue+`"}`)
}

// try sends a request and reads its error: a problem document, or one of the plain texts for old
// clients.
func (e restEdge) try(t testing.TB, request, contentType, body string, headers ...string) edgetest.Answer {
	t.Helper()
	status, text := e.ask(t, request, contentType, body, headers...)
	switch {
	case status == http.StatusOK:
		return edgetest.Answer{Status: status}
	case strings.HasPrefix(text, "Invalid timestamp format."):
		return edgetest.Answer{Code: "INVALID_INPUT", Status: status, Text: text}
	}
	var problem struct{ Code string }
	if err := json.Unmarshal([]byte(text), &problem); err != nil || problem.Code == "" {
		t.Fatalf("%s: %d %q is no problem: %v", request, status, text, err)
	}
	return edgetest.Answer{Code: problem.Code, Status: status, Text: text}
}

type graphEdge struct{ server }

const (
	outcome  = `{__typename ...on UserError{code message path}}`
	setQuery = `mutation($name:ConfigName!,$value:String!){setConfig(input:{name:$name,value:$value})` + outcome + `}`
)

func (e graphEdge) Set(t testing.TB, name, value string) edgetest.Answer {
	return e.try(t, jsonType, envelope(setQuery, "name", quote(name), "value", value))
}

func (e graphEdge) SetWithKey(t testing.TB, name, value, key string) edgetest.Answer {
	const query = `mutation($name:ConfigName!,$value:String!,$key:String){setConfig(input:{name:$name,value:$value,idempotencyKey:$key})` + outcome + `}`
	return e.try(t, jsonType, envelope(query, "name", quote(name), "value", value, "key", quote(key)))
}

func (e graphEdge) Delete(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`mutation($name:ConfigName!){deleteConfig(input:{name:$name})`+outcome+`}`, "name", quote(name)))
}

func (e graphEdge) Restore(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`mutation($name:ConfigName!){restoreConfig(input:{name:$name})`+outcome+`}`, "name", quote(name)))
}

func (e graphEdge) Read(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($name:ConfigName!){config(name:$name){version}}`, "name", quote(name)))
}

func (e graphEdge) History(t testing.TB, name string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($name:ConfigName!){history(name:$name){nodes{version}}}`, "name", quote(name)))
}

func (e graphEdge) ReadAt(t testing.TB, name, instant string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($name:ConfigName!,$time:DateTime!){asOf(at:{time:$time}){config(name:$name){version}}}`, "name", quote(name), "time", quote(instant)))
}

func (e graphEdge) After(t testing.TB, position string) edgetest.Answer {
	return e.try(t, jsonType, envelope(`query($after:Position){changes(after:$after,first:1){position}}`, "after", quote(position)))
}

func (e graphEdge) Tampered(t testing.TB, tamper func(string) string) edgetest.Answer {
	return e.try(t, jsonType, tamper(envelope(setQuery, "name", quote(edgetest.Good), "value", quote(edgetest.GoodValue))))
}

func (e graphEdge) Typed(t testing.TB, contentType string) edgetest.Answer {
	return e.try(t, contentType, envelope(setQuery, "name", quote(edgetest.Good), "value", quote(edgetest.GoodValue)))
}

// try sends a body and reads its error: a GraphQL error, or a member of the result. The status
// counts only if the request is not GraphQL at all.
func (e graphEdge) try(t testing.TB, contentType, body string) edgetest.Answer {
	t.Helper()
	status, text := e.ask(t, "POST /graphql", contentType, body)
	if status == http.StatusOK {
		status = 0
	}
	var answer struct {
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
		Data map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Errors == nil && answer.Data == nil {
		t.Fatalf("%.200s: %q is no answer: %v", body, text, err)
	}
	if len(answer.Errors) > 0 {
		return edgetest.Answer{Code: answer.Errors[0].Extensions.Code, Status: status, Text: answer.Errors[0].Message}
	}
	for _, result := range answer.Data {
		var failure struct{ Code, Message string }
		if err := json.Unmarshal(result, &failure); err == nil && failure.Code != "" {
			return edgetest.Answer{Code: failure.Code, Text: failure.Message}
		}
	}
	return edgetest.Answer{}
}

// envelope returns the body of a request. variables has names and JSON in turn, which are inserted
// unchanged.
func envelope(query string, variables ...string) string {
	body := `{"query":` + quote(query) + `,"variables":{`
	for i := 0; i < len(variables); i += 2 {
		if i > 0 {
			body += ","
		}
		body += quote(variables[i]) + ":" + variables[i+1]
	}
	return body + `}}`
}

func quote(text string) string {
	quoted, _ := json.Marshal(text) // strings can always be encoded
	return string(quoted)
}
