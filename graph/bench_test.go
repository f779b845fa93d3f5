package graph_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
)

// BenchmarkConfig is the read of one config without a network. Bare is a handler that answers a
// constant: the cost of the benchmark itself.
func BenchmarkConfig(b *testing.B) {
	const body = `{"query":"query($n:ConfigName!){config(name:$n){name value version}}","variables":{"n":"payments/timeout"}}`
	const answer = `{"data":{"config":{"name":"payments/timeout","value":"30s","version":1}}}`
	store := configstoretest.New(b, configstore.Options{})
	store.MustSet(b, "payments/timeout", "30s")

	for name, handler := range map[string]http.Handler{
		"GraphQL": graph.NewHandler(store.Store, graph.Options{}),
		"Bare": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, answer)
		}),
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, handler, body, answer) })
	}
}

// BenchmarkFragment is the same read for a client that uses a fragment.
func BenchmarkFragment(b *testing.B) {
	const body = `{"query":"query($n:ConfigName!){config(name:$n){...F}} fragment F on Config{name value version}","variables":{"n":"payments/timeout"}}`
	store := configstoretest.New(b, configstore.Options{})
	store.MustSet(b, "payments/timeout", "30s")
	benchmark(b, graph.NewHandler(store.Store, graph.Options{}), body, `{"data":{"config":{"name":"payments/timeout","value":"30s","version":1}}}`)
}

// BenchmarkHistory is a page of the past, which is read from the store.
func BenchmarkHistory(b *testing.B) {
	const body = `{"query":"query($n:ConfigName!){config(name:$n){history(first:5){nodes{version value oldValue}}}}","variables":{"n":"payments/timeout"}}`
	store := configstoretest.New(b, configstore.Options{})
	store.MustSet(b, "payments/timeout", "30s")
	store.MustSet(b, "payments/timeout", "31s")
	benchmark(b, graph.NewHandler(store.Store, graph.Options{}), body,
		`{"data":{"config":{"history":{"nodes":[{"version":2,"value":"31s","oldValue":"30s"},{"version":1,"value":"30s","oldValue":null}]}}}}`)
}

// BenchmarkConfigs is a page of 50 configs.
func BenchmarkConfigs(b *testing.B) {
	const body = `{"query":"{configs{nodes{name value version} pageInfo{hasNextPage}}}"}`
	store := configstoretest.New(b, configstore.Options{})
	var nodes []string
	for i := range 60 {
		name := fmt.Sprintf("app/name-%02d", i)
		store.MustSet(b, name, "30s")
		nodes = append(nodes, `{"name":"`+name+`","value":"30s","version":1}`)
	}
	benchmark(b, graph.NewHandler(store.Store, graph.Options{}), body,
		`{"data":{"configs":{"nodes":[`+strings.Join(nodes[:50], ",")+`],"pageInfo":{"hasNextPage":true}}}}`)
}

// BenchmarkLargePage is a page of 100 configs with values of 10 KiB: an answer of 1 MB.
func BenchmarkLargePage(b *testing.B) {
	const body = `{"query":"{configs(first:100){nodes{value}}}"}`
	value := strings.Repeat("0123456789", 1<<10)
	store := configstoretest.New(b, configstore.Options{})
	for i := range 100 {
		store.MustSet(b, fmt.Sprintf("app/name-%03d", i), value)
	}
	nodes := strings.Repeat(`,{"value":"`+value+`"}`, 100)[1:]
	benchmark(b, graph.NewHandler(store.Store, graph.Options{}), body, `{"data":{"configs":{"nodes":[`+nodes+`]}}}`)
}

// BenchmarkLargeValue is the read of a value of 1 MiB.
func BenchmarkLargeValue(b *testing.B) {
	const body = `{"query":"{config(name:\"large\"){value}}"}`
	value := strings.Repeat("0123456789abcdef", 1<<16)
	store := configstoretest.New(b, configstore.Options{})
	store.MustSet(b, "large", value)
	benchmark(b, graph.NewHandler(store.Store, graph.Options{}), body, `{"data":{"config":{"value":"`+value+`"}}}`)
}

// BenchmarkSet is a write to the memory store.
func BenchmarkSet(b *testing.B) {
	const body = `{"query":"mutation($i:SetConfigInput!){setConfig(input:$i){__typename ...on ConfigChanged{changed}}}","variables":{"i":{"name":"payments/timeout","value":"30s"}}}`
	store := configstoretest.New(b, configstore.Options{})
	benchmark(b, graph.NewHandler(store.Store, graph.Options{}), body, `{"data":{"setConfig":{"__typename":"ConfigChanged","changed":true}}}`)
}

// BenchmarkApply applies a set of 1,000 changes to the memory store.
func BenchmarkApply(b *testing.B) {
	var changes []string
	for i := range 1000 {
		changes = append(changes, fmt.Sprintf(`{"set":{"name":"payments/service/%d/timeout","value":"%s"}}`, i, strings.Repeat("v", 64)))
	}
	body := `{"query":"mutation($i:ApplyConfigsInput!){applyConfigs(input:$i){__typename ...on ConfigsChanged{unchanged dryRun}}}","variables":{"i":{"changes":[` +
		strings.Join(changes, ",") + `]}}}`
	store := configstoretest.New(b, configstore.Options{})
	benchmark(b, graph.NewHandler(store.Store, graph.Options{}), body, `{"data":{"applyConfigs":{"__typename":"ConfigsChanged","unchanged":[],"dryRun":false}}}`)
}

// benchmark posts a body again and again, and checks the last answer.
func benchmark(b *testing.B, handler http.Handler, body, answer string) {
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
	if string(w.last) != answer {
		b.Fatalf("got %s", w.last)
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
