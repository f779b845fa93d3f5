// Command bulkheads measures what the worst reads that are allowed do to writes: the time of one
// client's keyed writes alone, and beside 16 clients that read the past without a pause.
//
//	go build -o /tmp/configapi ./cmd/configapi
//	go run ./test/bulkheads -binary /tmp/configapi
//	go run ./internal/postgrestest/withpostgres -- go run ./test/bulkheads -binary /tmp/configapi -store postgres
//
// It starts a server on loopback with a history of its own, and ends it. A run takes about a
// minute. The 16 clients are a process of their own: beside them in one process, the client that is
// measured would wait for them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	binary := flag.String("binary", "", "the server's `program`")
	store := flag.String("store", "sqlite", "the `store`: sqlite, or postgres at TEST_DATABASE_URL, which must be empty")
	each := flag.Duration("for", 10*time.Second, "how long each part is measured")
	url := flag.String("read", "", "only read, from the server at this `URL`; the program starts itself so")
	query := flag.String("query", "", "what is read then")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *url != "" {
		newServer(*url).read(ctx, *each, *query)
		return
	}
	if err := run(ctx, *binary, *store, *each); err != nil {
		fmt.Fprintln(os.Stderr, "bulkheads:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, store string, each time.Duration) error {
	dir, err := os.MkdirTemp("", "bulkheads")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dsn := "sqlite:" + filepath.Join(dir, "configapi.db")
	if store == "postgres" {
		dsn = os.Getenv("TEST_DATABASE_URL")
	}
	url, end, err := startServer(ctx, binary, dsn)
	if err != nil {
		return err
	}
	defer end()
	s := newServer(url)
	if err := s.fill(ctx); err != nil {
		return err
	}
	fmt.Printf("%s, writes with an idempotency key, one client, each part for %v\n", store, each)
	if err := s.measure(ctx, "alone", each, ""); err != nil {
		return err
	}
	for _, read := range []struct{ name, query string }{
		{"16 × names as of", `{asOf(at:{time:"%s"}){configs(first:500){nodes{name}}}}`},
		{"16 × values as of", `{asOf(at:{time:"%s"}){configs(first:50){nodes{name value}}}}`},
		{"16 × a history of large values", `{history(name:"big",first:100){nodes{version}}}`},
	} {
		query := read.query
		if strings.Contains(query, "%s") {
			query = fmt.Sprintf(query, s.past)
		}
		if err := s.measure(ctx, read.name, each, query); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// startServer starts a server on a free port, and returns when it is ready.
func startServer(ctx context.Context, binary, store string) (url string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	address := l.Addr().String()
	l.Close()
	cmd := exec.CommandContext(ctx, binary, "serve", "-listen", address, "-store", store, "-log", "text")
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if answer, err := http.Get("http://" + address + "/readyz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return "http://" + address, end, nil
			}
		}
	}
	end()
	return "", nil, errors.New("the server does not get ready")
}

func newServer(url string) *server {
	return &server{url: url, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}}
}

// read has 16 clients send a query again and again, and prints what came of it.
func (s *server) read(ctx context.Context, each time.Duration, query string) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	var readers sync.WaitGroup
	var reads, refused atomic.Int64
	for range 16 {
		readers.Go(func() {
			for ctx.Err() == nil {
				if s.query(ctx, query) {
					reads.Add(1)
				} else if ctx.Err() == nil {
					refused.Add(1)
				}
			}
		})
	}
	readers.Wait()
	fmt.Printf("%d reads, %d refused", reads.Load(), refused.Load())
}

// measure prints the times of writes while another process reads; none does for an empty query.
func (s *server) measure(ctx context.Context, what string, each time.Duration, query string) error {
	var read strings.Builder
	end := func() error { return nil }
	if query != "" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		reader := exec.CommandContext(ctx, self, "-read", s.url, "-query", query, "-for", each.String())
		reader.Stdout, reader.Stderr = &read, os.Stderr
		if err := reader.Start(); err != nil {
			return err
		}
		end = reader.Wait
	}
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	var writes, health times
	var asking sync.WaitGroup
	asking.Go(func() {
		for ctx.Err() == nil {
			health.take(func() bool { return s.get(ctx, "/health") })
			time.Sleep(100 * time.Millisecond)
		}
	})
	for ctx.Err() == nil {
		writes.take(func() bool { return s.put(ctx, "written", "v", true) })
	}
	asking.Wait()
	err := end()
	fmt.Printf("%-32s writes %-50s /health %-50s %s\n", what, writes.String(), health.String(), read.String())
	return err
}
