package httpd_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

// BenchmarkServer compares the whole way of a request with that through a server whose handler answers a constant. Clients
// are as cheap as they can be: they write the same bytes again and again, and look for the end of the answer.
func BenchmarkServer(b *testing.B) {
	const value = "thirty seconds"
	store := configstoretest.New(b, configstore.Options{})
	store.MustSet(b, "timeout", value)
	edge := rest.New(store.Store, rest.Options{})
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	logging := httpd.Options{Store: store.Store, REST: edge, Log: slog.New(slog.NewJSONHandler(null, nil))}
	bare := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, value) })
	get := "GET /config/timeout HTTP/1.1\r\nHost: localhost\r\n\r\n"
	browser := strings.TrimSuffix(get, "\r\n") + "User-Agent: Mozilla/5.0\r\n\r\n"
	put := "PUT /config/timeout HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n{\"value\":\"thirty seconds\"}"
	for _, clients := range []int{1, 64} {
		for _, row := range []struct {
			name    string
			handler http.Handler
			request string
		}{
			{"bare", bare, get},
			{"get, edge alone", edge, get},
			{"get", httpd.New(httpd.Options{Store: store.Store, REST: edge}), get},
			{"get, of a browser", httpd.New(httpd.Options{Store: store.Store, REST: edge}), browser},
			{"get, logged", httpd.New(logging), get},
			{"put, bare", bare, put},
			{"put", httpd.New(httpd.Options{Store: store.Store, REST: edge}), put},
		} {
			b.Run(fmt.Sprintf("%s/%d", row.name, clients), func(b *testing.B) { benchmarkClients(b, row.handler, row.request, clients) })
		}
	}
}

func benchmarkClients(b *testing.B, handler http.Handler, request string, clients int) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, handler, listener) }()
	defer func() {
		stop()
		<-served
	}()
	b.SetParallelism(max(1, clients/2)) // times GOMAXPROCS
	b.ReportAllocs()
	begin := cpuTime(b)
	b.RunParallel(func(work *testing.PB) {
		conn, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for work.Next() {
			if _, err := io.WriteString(conn, request); err != nil {
				b.Error(err)
				return
			}
			if err := skipAnswer(in); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(cpuTime(b)-begin)/float64(b.N), "cpu-ns/op")
}

// serve serves until ctx ends, with the HTTP server that belongs to the handler.
func serve(ctx context.Context, handler http.Handler, listener net.Listener) error {
	if server, ok := handler.(*httpd.Server); ok {
		return server.Serve(ctx, listener)
	}
	server := &http.Server{Handler: handler}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	return server.Serve(listener)
}

// skipAnswer reads one answer that has status 200 and a length.
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

// cpuTime is the processor time that this process has used. Unlike the time that passes it says the same on a busy machine.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
