// Package httpdtest measures whole requests: the TCP connection, the HTTP server, and what is
// behind it.
package httpdtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"testing"

	"configapi/internal/processtest"
)

// Serve serves connections until its context ends.
type Serve func(context.Context, net.Listener) error

// ServeHandler returns a Serve by a server of net/http alone.
func ServeHandler(handler http.Handler) Serve {
	return func(ctx context.Context, listener net.Listener) error {
		server := &http.Server{Handler: handler}
		defer context.AfterFunc(ctx, func() { _ = server.Close() })()
		return server.Serve(listener)
	}
}

// Bench has so many clients share b.N requests. They are in this process, so their CPU is a part of
// cpu-ns/op, the same for each server. Each client calls vary once, with its own copy of the
// request, and calls next before each sending; next may change the copy in place. vary is nil when
// all requests are equal. The answers must have status 200 and a Content-Length.
func Bench(b *testing.B, serve Serve, request string, clients int, vary func(request []byte) (next func())) {
	BenchStatus(b, serve, request, "200 OK", clients, vary)
}

// BenchStatus is Bench for answers with another status, such as "404 Not Found".
func BenchStatus(b *testing.B, serve Serve, request, status string, clients int, vary func(request []byte) (next func())) {
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
	begin := processtest.OwnCPU(b)
	b.RunParallel(func(work *testing.PB) {
		if err := askAgain(work, listener.Addr().String(), request, "HTTP/1.1 "+status+"\r\n", vary); err != nil {
			b.Error(err)
		}
	})
	b.ReportMetric(float64(processtest.OwnCPU(b)-begin)/float64(b.N), "cpu-ns/op")
}

// askAgain sends the request while there is work.
func askAgain(work *testing.PB, address, request, status string, vary func([]byte) func()) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	wire, in := []byte(request), bufio.NewReader(conn)
	next := func() {}
	if vary != nil {
		next = vary(wire)
	}
	for work.Next() {
		next()
		if _, err := conn.Write(wire); err != nil {
			return err
		}
		if err := skipAnswer(in, status); err != nil {
			return err
		}
	}
	return nil
}

// skipAnswer reads one answer with a status line and a Content-Length.
func skipAnswer(in *bufio.Reader, status string) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && string(line) != status {
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
