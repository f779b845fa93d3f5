package graph_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// BenchmarkConfig is the read of one config without a network. Bare is a handler that answers a constant: what is left when
// nothing is done.
func BenchmarkConfig(b *testing.B) {
	const body = `{"query":"query($n:ConfigName!){config(name:$n){name value version}}","variables":{"n":"payments/timeout"}}`
	store := configstoretest.New(b, configstore.Options{})
	store.MustSet(b, "payments/timeout", "30s")
	answer := []byte(`{"data":{"config":{"name":"payments/timeout","value":"30s","version":1}}}`)

	for name, handler := range map[string]http.Handler{
		"GraphQL": graph.NewHandler(store.Store, graph.Options{}),
		"Bare": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = w.Write(answer)
		}),
	} {
		b.Run(name, func(b *testing.B) {
			w := &recorder{header: http.Header{}}
			content := bytes.NewReader([]byte(body))
			r := httptest.NewRequest(http.MethodPost, "/graphql", io.NopCloser(content))
			r.Header.Set("Content-Type", "application/json")
			r.ContentLength = int64(len(body))
			b.ReportAllocs()
			for b.Loop() {
				content.Reset([]byte(body))
				w.last = w.last[:0]
				clear(w.header)
				handler.ServeHTTP(w, r)
			}
			if !bytes.Equal(w.last, answer) {
				b.Fatalf("got %s", w.last)
			}
		})
	}
}

// recorder is a response writer that keeps the last body, without the cost of httptest's.
type recorder struct {
	header http.Header
	last   []byte
}

func (w *recorder) Header() http.Header { return w.header }
func (w *recorder) WriteHeader(int)     {}
func (w *recorder) Write(p []byte) (int, error) {
	w.last = append(w.last, p...)
	return len(p), nil
}
