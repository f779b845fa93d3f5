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

	"configapi/internal/edgetest"
)

// server is an edge behind an HTTP server, and the token of those who ask it.
type server struct {
	*httptest.Server
	secret string // "": they have none
}

func start(t *testing.T, edge http.Handler) server {
	s := httptest.NewServer(edge)
	// Close waits for connections whose body was refused, which net/http keeps open for half a
	// second.
	t.Cleanup(func() {
		s.Listener.Close()
		s.CloseClientConnections()
	})
	return server{Server: s}
}

// request returns a request "METHOD /path". headers has names and values in turn.
func (s server) request(ctx context.Context, t testing.TB, request string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if s.secret != "" {
		r.Header.Set("Authorization", "Bearer "+s.secret)
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

func (e restEdge) After(t testing.TB, position string) edgetest.Answer {
	return e.try(t, "GET /changes?first=1&after="+url.QueryEscape(position), jsonType, "")
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
	case text == "Not Found":
		return edgetest.Answer{Code: "NOT_FOUND", Status: status, Text: text}
	}
	var problem struct{ Code string }
	if err := json.Unmarshal([]byte(text), &problem); err != nil || problem.Code == "" {
		t.Fatalf("%s: %d %q is no problem: %v", request, status, text, err)
	}
	return edgetest.Answer{Code: problem.Code, Status: status, Text: text}
}
