package edgetest_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"configapi/graph"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
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
	store := configstoretest.New(b, configstore.Options{})
	fillNames(b, store)
	server := httpd.New(httpd.Options{
		Store: store.Store, REST: rest.New(store.Store, rest.Options{}),
		GraphQL: graph.NewHandler(store.Store, graph.Options{RequestID: requestid.From}),
		Log:     slog.New(unwritten{slog.DiscardHandler}),
	})
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
		_, _ = io.WriteString(w, strings.Repeat("v", 64))
	})
	const headers = " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: benchmark\r\nAccept: */*\r\n"
	const body = `{"query":"query($n:ConfigName!){config(name:$n){name value version}}","variables":{"n":"bench/000000"}}`
	get := "GET /config/bench%2F000000" + headers + "\r\n"
	post := "POST /graphql" + headers + "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	for _, row := range []struct {
		name, request string
		serve         func(context.Context, net.Listener) error
	}{
		{"bare", get, func(ctx context.Context, l net.Listener) error { return serveBare(ctx, bare, l) }},
		{"REST", get, server.Serve},
		{"GraphQL", post, server.Serve},
	} {
		for _, clients := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", row.name, clients), func(b *testing.B) { benchmarkRead(b, row.serve, row.request, clients) })
		}
	}
}

// unwritten is a log whose lines are made and then dropped.
type unwritten struct{ slog.Handler }

func (unwritten) Enabled(context.Context, slog.Level) bool { return true }

func fillNames(b *testing.B, store *configstoretest.Store) {
	for first := 0; first < benchmarkNames; first += 1000 {
		set := config.ChangeSet{Changes: make([]config.Change, 1000)}
		for i := range set.Changes {
			set.Changes[i].Command = configstoretest.Set(b, fmt.Sprintf("bench/%06d", first+i), strings.Repeat("v", 64))
		}
		if _, err := store.Apply(b.Context(), auth.Anonymous, set); err != nil {
			b.Fatal(err)
		}
	}
}

func serveBare(ctx context.Context, handler http.Handler, listener net.Listener) error {
	server := &http.Server{Handler: handler}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	return server.Serve(listener)
}

// benchmarkRead has so many clients share b.N requests.
func benchmarkRead(b *testing.B, serve func(context.Context, net.Listener) error, request string, clients int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener) }()
	defer func() {
		stop()
		<-served
	}()
	if clients == 1 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	b.SetParallelism((clients + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
	b.ReportAllocs()
	begin := processCPU(b)
	b.RunParallel(func(work *testing.PB) {
		if err := readAgain(work, listener.Addr().String(), request); err != nil {
			b.Error(err)
		}
	})
	b.ReportMetric(float64(processCPU(b)-begin)/float64(b.N), "cpu-ns/op")
}

// readAgain sends the request while there is work, each time with another name.
func readAgain(work *testing.PB, address, request string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	wire, in := []byte(request), bufio.NewReader(conn)
	number := wire[bytes.LastIndex(wire, []byte("000000")):][:6]
	for work.Next() {
		for n, i := rand.IntN(benchmarkNames), len(number)-1; i >= 0; n, i = n/10, i-1 {
			number[i] = byte('0' + n%10)
		}
		if _, err := conn.Write(wire); err != nil {
			return err
		}
		if err := skipAnswer(in); err != nil {
			return err
		}
	}
	return nil
}

// skipAnswer reads one answer with status 200 and a Content-Length.
func skipAnswer(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.Equal(line, []byte("HTTP/1.1 200 OK\r\n")) {
			return fmt.Errorf("got %s", line)
		}
		if len(line) == len("\r\n") {
			break
		}
		if digits, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			for _, digit := range bytes.TrimSpace(digits) {
				length = 10*length + int(digit-'0')
			}
		}
	}
	_, err := in.Discard(length)
	return err
}

// processCPU returns the CPU time that this process has used.
func processCPU(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
