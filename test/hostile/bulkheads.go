package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"configapi/internal/processtest"
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
	s, err := startServer(ctx, binary, dir, &attack{store: store})
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
		row, err := t.beside(ctx, query, filepath.Join(dir, "reads"), each)
		if err != nil {
			return err
		}
		fmt.Printf("%-31s %s\n", read.name, row)
	}
	return ctx.Err()
}

// beside writes while another process repeats a query; "" means that none does. In one process, the
// measured client would wait for the reading ones.
func (t *target) beside(ctx context.Context, query, log string, each time.Duration) (row string, err error) {
	reads := func() string { return "no reads" }
	if query != "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		command := exec.Command(self, "-read", t.server.Address, "-query", query, "-for", each.String())
		p, err := processtest.Start(command, log, syscall.SIGKILL)
		if err != nil {
			return "", err
		}
		defer p.Kill()
		reads = func() string {
			<-p.Done()
			return p.LastWords()
		}
	}
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	var failed atomic.Int64
	take := func(to *latencies, do func() error) {
		began := time.Now()
		if do() == nil {
			*to = append(*to, time.Since(began))
		} else {
			failed.Add(1)
		}
	}
	var writes, health latencies
	var asking sync.WaitGroup
	asking.Go(func() {
		for ctx.Err() == nil {
			take(&health, func() error { return t.get("/health") })
			wait(ctx, 100*time.Millisecond)
		}
	})
	for ctx.Err() == nil {
		take(&writes, func() error { return t.putKeyed("written", "v", rand.Text()) })
	}
	asking.Wait()
	return fmt.Sprintf("writes %v, /health %v, %d failed, %s", writes, health, failed.Load(), reads()), nil
}

// readOnly has 16 clients send a query again and again, and prints what came of it.
func readOnly(ctx context.Context, address, query string, each time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	t := newTarget(&server{Server: &processtest.Server{Address: address}})
	var answers tally
	err := inParallel(16, 16, func(int) error {
		for ctx.Err() == nil {
			switch head, err := t.skim(ctx, query); {
			case err == nil && !strings.HasPrefix(head, `{"errors"`):
				answers.add("reads")
			case ctx.Err() == nil:
				answers.add("refused")
			}
		}
		return nil
	})
	fmt.Println(answers.String())
	return err
}

// skim sends a query, and returns how its answer begins. Unlike ask it takes next to no processor
// time, which the server would lack.
func (t *target) skim(ctx context.Context, query string) (head string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.server.URL("/graphql"), bytes.NewReader(envelope(query, nil)))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := t.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	begin := make([]byte, 20)
	n, _ := io.ReadFull(response.Body, begin)
	_, err = io.Copy(io.Discard, response.Body)
	return string(begin[:n]), err
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
