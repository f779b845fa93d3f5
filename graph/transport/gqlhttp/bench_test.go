package gqlhttp

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	stock "github.com/99designs/gqlgen/graphql/handler/transport"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/transporttest"
)

const benchmarkBody = `{"query":"query Hello($name: String!) { hello(name: $name) }","operationName":"Hello","variables":{"name":"payments/timeout"}}`

// BenchmarkPost is the way of a read without a network. Stock is gqlgen's own transport, on the
// same handler and schema.
func BenchmarkPost(b *testing.B) {
	for name, transport := range map[string]graphql.Transport{"Ours": New(Options{}), "Stock": stock.POST{}} {
		b.Run(name, func(b *testing.B) { benchmark(b, transport, http.MethodPost, "/graphql", benchmarkBody) })
	}
}

func BenchmarkGet(b *testing.B) {
	target := "/graphql?query=" + url.QueryEscape("query Hello($name: String!) { hello(name: $name) }") + "&variables=" + url.QueryEscape(`{"name":"payments/timeout"}`)
	for name, transport := range map[string]graphql.Transport{"Ours": New(Options{}), "Stock": stock.GET{}} {
		b.Run(name, func(b *testing.B) { benchmark(b, transport, http.MethodGet, target, "") })
	}
}

func benchmark(b *testing.B, transport graphql.Transport, method, target, text string) {
	handler := transporttest.NewSchema().Handler(transport)
	body := bytes.NewReader([]byte(text))
	r := httptest.NewRequest(method, target, io.NopCloser(body))
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = int64(len(text))
	w := &nowhere{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		body.Reset([]byte(text))
		w.status, w.written = 200, 0
		clear(w.header)
		handler.ServeHTTP(w, r)
	}
	if w.status != http.StatusOK || w.written == 0 {
		b.Fatalf("got %d and %d bytes", w.status, w.written)
	}
}

// nowhere is a response writer that keeps nothing.
type nowhere struct {
	header  http.Header
	status  int
	written int
}

func (w *nowhere) Header() http.Header { return w.header }

func (w *nowhere) WriteHeader(status int) { w.status = status }

func (w *nowhere) Write(p []byte) (int, error) { w.written += len(p); return len(p), nil }
