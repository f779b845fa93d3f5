package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// besideReads are the most expensive reads of the past that are allowed. A %q is an instant before
// the newest values.
var besideReads = []struct{ name, query string }{
	{"alone", ""},
	{"16 × names as of", `{asOf(at:{time:%q}){configs(first:500){nodes{name}}}}`},
	{"16 × values as of", `{asOf(at:{time:%q}){configs(first:50){nodes{name value}}}}`},
	{"16 × a history of large values", `{history(name:"big",first:100){nodes{version}}}`},
}

// measureBulkheads prints how long one client's writes with idempotency keys and requests of
// /health take, alone and beside 16 clients that read the past without a pause, for so long each.
func measureBulkheads(ctx context.Context, binary, dir, store string, each time.Duration) error {
	s, err := startServer(ctx, binary, dir, store)
	if err != nil {
		return err
	}
	defer s.Kill()
	t := newTarget(s)
	if err := fillTwice(500, 100_000)(t); err != nil {
		return err
	}
	value := strings.Repeat("v", 100_000)
	if err := t.putMany(100, 1, func(int) (string, string) { return "big", value }); err != nil {
		return err
	}
	for _, read := range besideReads {
		query := read.query
		if strings.Contains(query, "%q") {
			query = fmt.Sprintf(query, instant(t.middle))
		}
		fmt.Printf("%-31s %s\n", read.name, t.beside(ctx, query, each))
	}
	return ctx.Err()
}

// beside writes while 16 clients repeat a query; "" means that they do not.
func (t *target) beside(ctx context.Context, query string, each time.Duration) string {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	var others sync.WaitGroup
	var reads, refused, failed atomic.Int64
	for range 16 {
		if query == "" {
			break
		}
		others.Go(func() {
			for ctx.Err() == nil {
				if a, err := t.ask(ctx, query, nil); err == nil && a.errors == 0 {
					reads.Add(1)
				} else if ctx.Err() == nil {
					refused.Add(1)
				}
			}
		})
	}
	take := func(to *latencies, do func() error) {
		began := time.Now()
		if do() == nil {
			*to = append(*to, time.Since(began))
		} else {
			failed.Add(1)
		}
	}
	var writes, health latencies
	others.Go(func() {
		for ctx.Err() == nil {
			take(&health, func() error { return t.get("/health") })
			wait(ctx, 100*time.Millisecond)
		}
	})
	for ctx.Err() == nil {
		take(&writes, func() error { return t.putKeyed("written", "v", rand.Text()) })
	}
	others.Wait()
	return fmt.Sprintf("writes %v, /health %v, %d failed, %d reads, %d refused", writes, health, failed.Load(), reads.Load(), refused.Load())
}

func (t *target) get(path string) error {
	request, err := http.NewRequest(http.MethodGet, t.server.URL(path), nil)
	if err != nil {
		return err
	}
	return t.expectOK(request)
}

func (l latencies) String() string {
	return fmt.Sprintf("p50 %.2f ms p99 %.2f ms of %d", milliseconds(l.percentile(50)), milliseconds(l.percentile(99)), len(l))
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
