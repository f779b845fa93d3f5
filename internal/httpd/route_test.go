package httpd_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"configapi/internal/configstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/httpd"
	"configapi/internal/requestid"
)

// says is a handler that answers with a word.
func says(word string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, word) })
}

func TestRoutes(t *testing.T) {
	s := start(t, httpd.Options{REST: says("rest"), GraphQL: says("graphql"), Playground: says("playground")})
	for path, want := range map[string]string{
		"/config": "rest", "/config/a": "rest", "/configs": "rest", "/": "rest", "/v1/config": "rest", "/none": "rest",
		"/graphql": "graphql", "/graphql?query={x}": "graphql", "/graphql/": "rest", "/graphql/x": "rest", "/v1/graphql": "rest",
		"/playground": "playground", "/playground/": "playground", "/playground/assets/x.js": "playground", "/playgrounds": "rest",
		"/livez": "OK", "/readyz": "OK", "/v1/livez": "OK", "/v1/readyz": "OK", "/livez/": "rest", "/v1/v1/livez": "rest",
	} {
		if got := s.ask(t, "GET "+path); got.body != want {
			t.Errorf("GET %s: got %q, want %q", path, got.body, want)
		}
	}
	alone := start(t, httpd.Options{REST: says("rest")})
	for _, path := range []string{"/graphql", "/playground"} {
		if got := alone.ask(t, "GET "+path); got.body != "rest" {
			t.Errorf("GET %s without such a handler: got %q, want REST's answer", path, got.body)
		}
	}
}

// TestNotReady checks that only the health routes answer before the history is applied.
func TestNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstore.New(memory.New(), configstore.Options{})
		s := start(t, httpd.Options{Store: store, GraphQL: says("graphql")})
		for _, request := range []string{"GET /config/a", "PUT /config/a", "GET /graphql", "GET /playground", "GET /none", "GET /readyz", "GET /v1/readyz"} {
			got := s.ask(t, request)
			if got.StatusCode != 503 || got.Header.Get("Retry-After") != "1" || got.Header.Get("Content-Type") != "application/problem+json" ||
				!strings.Contains(got.body, `"code":"UNAVAILABLE"`) || !strings.Contains(got.body, "not ready") {
				t.Errorf("%s: got %d %v %s", request, got.StatusCode, got.Header, got.body)
			}
		}
		if got := s.ask(t, "GET /livez"); got.StatusCode != 200 {
			t.Errorf("/livez: got %d", got.StatusCode)
		}
		if got := s.ask(t, "GET /health"); got.StatusCode != 503 || strings.Contains(got.body, `"checks"`) {
			t.Errorf("/health: got %d %s", got.StatusCode, got.body)
		}

		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go func() { _ = store.Run(ctx) }()
		<-store.Ready()
		for request, status := range map[string]int{"GET /config": 200, "GET /readyz": 200, "GET /health": 200, "GET /graphql": 200, "GET /none": 404} {
			if got := s.ask(t, request); got.StatusCode != status {
				t.Errorf("%s when ready: got %d, want %d", request, got.StatusCode, status)
			}
		}
	})
}

func TestRequestID(t *testing.T) {
	inside := ""
	s := start(t, httpd.Options{REST: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { inside = requestid.From(r.Context()) })})
	given := map[string]bool{}
	for id, taken := range map[string]bool{
		"":                        false,
		"7":                       true,
		"a-Z_0.9:x":               true,
		strings.Repeat("x", 64):   true,
		strings.Repeat("x", 65):   false,
		"a b":                     false,
		"a\tb":                    false,
		"<script>":                false,
		"é":                       false,
		"a\nX-Request-Id: b":      false, // two headers
		"%0a":                     false,
		"a,b":                     false,
		`"quoted"`:                false,
		"00000000-0000-0000-0000": true,
	} {
		got := s.ask(t, "GET /x\nX-Request-Id: "+id).Header.Get("X-Request-Id")
		if got == "" || (got == id) != taken || got != inside {
			t.Errorf("brought %q: got %q, the handler saw %q", id, got, inside)
		}
		if !taken && got != "" && strings.HasPrefix(id, got) {
			t.Errorf("brought %q: part of it was taken, %q", id, got)
		}
		if given[got] {
			t.Errorf("%q was given twice", got)
		}
		given[got] = true
	}
	for _, line := range s.log.with("request") {
		if !given[line["request_id"].(string)] {
			t.Errorf("no request has the id %v of the log", line["request_id"])
		}
	}
}

// TestRequestIDsOfOneConnection checks the ids of consecutive requests, with and without a body.
func TestRequestIDsOfOneConnection(t *testing.T) {
	var inside []string
	s := start(t, httpd.Options{REST: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		inside = append(inside, requestid.From(r.Context()))
	})})
	conn := s.connect(t)
	for i, rest := range []string{"\r\n", "X-Request-Id: brought\r\n\r\n", "Content-Length: 2\r\n\r\n{}", "\r\n"} {
		go func() { _, _ = io.WriteString(conn, "PUT /x HTTP/1.1\r\nHost: x\r\n"+rest) }()
		if got := readAnswer(t, conn).Header.Get("X-Request-Id"); got == "" || inside[i] != got {
			t.Errorf("%q: got %q, the handler saw %q", rest, got, inside[i])
		}
	}
}
