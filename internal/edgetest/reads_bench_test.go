package edgetest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/httpd/httpdtest"
	"configapi/internal/requestid"
	"configapi/internal/rest"
)

// benchmarkNames is how many configs the reads of a benchmark choose from.
const benchmarkNames = 10_000

// BenchmarkReads measures the read of one of 10,000 configs, on all of its way: a connection of
// TCP, the HTTP server with its log, the edge, the config store. Bare is a handler of net/http that
// answers a constant. The clients are in the same process. They allocate nothing, and their CPU is
// a part of cpu-ns/op, the same for each row.
func BenchmarkReads(b *testing.B) {
	open, closed := benchmarkStore(b), benchmarkStore(b)
	secret := closed.MustIssue(b, "ci", time.Time{}, "READ:bench")
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
		_, _ = io.WriteString(w, strings.Repeat("v", 64))
	})
	const headers = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: benchmark\r\nAccept: */*\r\n"
	ofAnother, withToken := "Authorization: Custom "+secret+"\r\n", "Authorization: Bearer "+secret+"\r\n"
	const body = `{"query":"query($n:ConfigName!){config(name:$n){name value version}}","variables":{"n":"bench/000000"}}`
	get := "GET /config/bench%2F000000" + headers + "\r\n"
	post := "POST /graphql" + headers + "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	with := func(header, request string) string { return strings.Replace(request, "Accept:", header+"Accept:", 1) }
	for _, row := range []struct {
		name, request string
		serve         httpdtest.Serve
	}{
		{"bare", get, httpdtest.ServeHandler(bare)},
		{"REST", get, serverOf(open).Serve},
		{"REST, another header", with(ofAnother, get), serverOf(open).Serve},
		{"REST, token", with(withToken, get), serverOf(closed).Serve},
		{"GraphQL", post, serverOf(open).Serve},
		{"GraphQL, another header", with(ofAnother, post), serverOf(open).Serve},
		{"GraphQL, token", with(withToken, post), serverOf(closed).Serve},
	} {
		for _, clients := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", row.name, clients), func(b *testing.B) { httpdtest.Bench(b, row.serve, row.request, clients, anotherName) })
		}
	}
}

// unwritten is a log whose lines are made and then dropped.
type unwritten struct{ slog.Handler }

func (unwritten) Enabled(context.Context, slog.Level) bool { return true }

func serverOf(store *configstoretest.Store) *httpd.Server {
	return httpd.New(httpd.Options{
		Store: store.Store, REST: rest.New(store.Store, rest.Options{}),
		GraphQL: graph.NewHandler(store.Store, graph.Options{RequestID: requestid.From}),
		Log:     slog.New(unwritten{slog.DiscardHandler}),
	})
}

func benchmarkStore(b *testing.B) *configstoretest.Store {
	store := configstoretest.New(b, configstore.Options{})
	for first := 0; first < benchmarkNames; first += 1000 {
		set := config.ChangeSet{Changes: make([]config.Change, 1000)}
		for i := range set.Changes {
			set.Changes[i].Command = configstoretest.Set(b, fmt.Sprintf("bench/%06d", first+i), strings.Repeat("v", 64))
		}
		if _, err := store.Apply(b.Context(), auth.Anonymous, set); err != nil {
			b.Fatal(err)
		}
	}
	return store
}

// anotherName returns a function that puts another of the names into a request that has the first.
func anotherName(request []byte) (next func()) {
	number := request[bytes.LastIndex(request, []byte("000000")):][:6]
	return func() {
		for n, i := rand.IntN(benchmarkNames), len(number)-1; i >= 0; n, i = n/10, i-1 {
			number[i] = byte('0' + n%10)
		}
	}
}
