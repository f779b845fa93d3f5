package rest_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/rest"
)

// discard is a ResponseWriter that costs as little as one can.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header               { return d.header }
func (d *discard) WriteHeader(status int)            { d.status = status }
func (d *discard) Write(p []byte) (int, error)       { return len(p), nil }
func (d *discard) WriteString(s string) (int, error) { return len(s), nil }

// benchmark measures the edge and what is below it, without the HTTP server.
func benchmark(b *testing.B, edge http.Handler, method, path, body string, status int) {
	u, err := url.ParseRequestURI(path)
	if err != nil {
		b.Fatal(err)
	}
	content := bytes.NewReader([]byte(body))
	r := httptest.NewRequest(method, path, content)
	r.URL = u
	r.Header.Set("Content-Type", "application/json")
	w := &discard{header: make(http.Header, 8)}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		content.Reset([]byte(body))
		r.Body = io.NopCloser(content)
		edge.ServeHTTP(w, r)
		if w.status != status {
			b.Fatalf("got %d, want %d", w.status, status)
		}
	}
}

func BenchmarkEdge(b *testing.B) {
	store := configstoretest.New(b, configstore.Options{})
	edge := rest.New(store.Store, rest.Options{})
	store.MustSet(b, "payments/timeout", "thirty seconds")
	b.Run("get", func(b *testing.B) { benchmark(b, edge, "GET", "/config/payments%2Ftimeout", "", 200) })
	b.Run("get plain name", func(b *testing.B) {
		store.MustSet(b, "timeout", "thirty seconds")
		benchmark(b, edge, "GET", "/config/timeout", "", 200)
	})
	b.Run("put", func(b *testing.B) {
		benchmark(b, edge, "PUT", "/config/timeout", `{"value":"thirty seconds"}`, 200)
	})
	hundred := changes(100)
	b.Run("dry run of 100 changes", func(b *testing.B) { benchmark(b, edge, "POST", "/changes", hundred+`,"dryRun":true}`, 200) })
	b.Run("100 changes", func(b *testing.B) { benchmark(b, edge, "POST", "/changes", hundred+`}`, 200) })
	b.Run("1000 changes", func(b *testing.B) { benchmark(b, edge, "POST", "/changes", changes(1000)+`}`, 200) })
	b.Run("put, escaped", func(b *testing.B) {
		benchmark(b, edge, "PUT", "/config/timeout", `{"value":"\"thirty\" seconds"}`, 200)
	})
}

// changes returns the beginning of a body that sets so many configs, without its closing brace.
func changes(n int) string {
	var sets []string
	for i := range n {
		sets = append(sets, fmt.Sprintf(`{"set":{"name":"payments/service/%d/timeout","value":"%s"}}`, i, strings.Repeat("v", 64)))
	}
	return `{"changes":[` + strings.Join(sets, ",") + `]`
}
