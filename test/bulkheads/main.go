// Command bulkheads measures what the worst reads that are allowed do to writes: the time of one
// client's keyed writes alone, and beside 16 clients that read the past without a pause.
//
//	go build -o /tmp/configapi ./cmd/configapi
//	go run ./test/bulkheads -binary /tmp/configapi
//	go run ./internal/postgrestest/withpostgres -- go run ./test/bulkheads -binary /tmp/configapi -store postgres
//
// It starts a server on loopback with a history of its own, and ends it. A run takes about a
// minute.
package main

import (
	"context"
	"flag"
	"fmt"
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

	"configapi/internal/processtest"
)

func main() {
	binary := flag.String("binary", "", "the server's `program`")
	store := flag.String("store", "sqlite", "the `store`: sqlite, or postgres at TEST_DATABASE_URL, which must be empty")
	each := flag.Duration("for", 10*time.Second, "how long each part is measured")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	started, err := processtest.Serve(ctx, exec.Command(binary, "serve", "--store", dsn, "--log", "text"), filepath.Join(dir, "log"))
	if err != nil {
		return err
	}
	defer started.Kill()
	s := &server{url: started.URL(""), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: time.Minute}}
	if err := s.fill(ctx); err != nil {
		return err
	}
	fmt.Printf("%s, writes with an idempotency key, one client, each part for %v\n", store, each)
	s.measure(ctx, "alone", each, "")
	for _, read := range []struct{ name, query string }{
		{"16 × names as of", `{asOf(at:{time:"%s"}){configs(first:500){nodes{name}}}}`},
		{"16 × values as of", `{asOf(at:{time:"%s"}){configs(first:50){nodes{name value}}}}`},
		{"16 × a history of large values", `{history(name:"big",first:100){nodes{version}}}`},
	} {
		query := read.query
		if strings.Contains(query, "%s") {
			query = fmt.Sprintf(query, s.past)
		}
		s.measure(ctx, read.name, each, query)
	}
	return ctx.Err()
}

// measure prints the times of writes while 16 clients send a query again and again; none sends an
// empty one.
func (s *server) measure(ctx context.Context, what string, each time.Duration, query string) {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	var readers sync.WaitGroup
	var reads, refused atomic.Int64
	for range 16 {
		if query == "" {
			break
		}
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
	var writes, health times
	readers.Go(func() {
		for ctx.Err() == nil {
			health.take(func() bool { return s.get(ctx, "/health") })
			time.Sleep(100 * time.Millisecond)
		}
	})
	for ctx.Err() == nil {
		writes.take(func() bool { return s.put(ctx, "written", "v", true) })
	}
	readers.Wait()
	fmt.Printf("%-32s writes %-50s /health %-50s %d reads, %d refused\n", what, writes.String(), health.String(), reads.Load(), refused.Load())
}
