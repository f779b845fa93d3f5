package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// target is the server as a client sees it.
type target struct {
	server *server
	client *http.Client
	sent   atomic.Int64 // requests of an attack that counts them
	middle time.Time    // between the first and the second filling, for reads of the past
}

func newTarget(s *server) *target {
	return &target{server: s, client: &http.Client{
		Timeout:   strikeTime,
		Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}}
}

// put sets a config over REST.
func (t *target) put(name, value string) error { return t.putKeyed(name, value, "") }

// putKeyed is put with an idempotency key, unless it is "".
func (t *target) putKeyed(name, value, key string) error {
	body, err := json.Marshal(map[string]string{"value": value})
	if err != nil {
		return err
	}
	request, err := http.NewRequest(http.MethodPut, t.server.URL("/config/"+url.PathEscape(name)), bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	return t.expectOK(request)
}

func (t *target) expectOK(request *http.Request) error {
	if t.server.secret != "" {
		request.Header.Set("Authorization", "Bearer "+t.server.secret)
	}
	answer, err := t.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", request.Method, request.URL.Path, answer.Status)
	}
	return nil
}

// putMany sets configs, so many concurrently.
func (t *target) putMany(n, atOnce int, config func(i int) (name, value string)) error {
	return inParallel(n, atOnce, func(i int) error {
		name, value := config(i)
		return t.put(name, value)
	})
}

// answer is the outcome of a GraphQL request, without its data.
type answer struct {
	status int
	bytes  int64
	took   time.Duration
	code   string // of the first error; "": none
	errors int    // number of errors in the first megabytes
}

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, cmp.Or(a.code, "data")) }

// envelope returns the body of a GraphQL request.
func envelope(query string, variables map[string]any) []byte {
	// cannot fail for strings and numbers
	body, _ := json.Marshal(map[string]any{"query": query, "variables": variables})
	return body
}

// ask sends a GraphQL request and reads its answer without keeping it.
func (t *target) ask(ctx context.Context, query string, variables map[string]any) (answer, error) {
	return t.post(ctx, envelope(query, variables))
}

func (t *target) post(ctx context.Context, body []byte) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.server.URL("/graphql"), bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	began := time.Now()
	response, err := t.client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	const seen = 4 << 20
	head, err := io.ReadAll(io.LimitReader(response.Body, seen))
	if err != nil {
		return answer{}, err
	}
	rest, err := io.Copy(io.Discard, response.Body)
	a := answer{status: response.StatusCode, bytes: int64(len(head)) + rest, took: time.Since(began)}
	a.errors = bytes.Count(head, []byte(`"message":`))
	if _, after, found := strings.Cut(string(head), `"code":"`); found {
		a.code, _, _ = strings.Cut(after, `"`)
	}
	return a, err
}

// unread opens a connection with small buffers, sends a request, and reads nothing of the answer.
func (t *target) unread(request string) (net.Conn, error) {
	conn, err := net.Dial("tcp", t.server.Address)
	if err != nil {
		return nil, err
	}
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	_, err = io.WriteString(conn, request)
	return conn, err
}

// rawPost returns a GraphQL request as the bytes of HTTP.
func rawPost(body []byte) string {
	return fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// inParallel calls do for 0 to n-1, so many concurrently, and returns the first error.
func inParallel(n, atOnce int, do func(i int) error) error {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}

// tally counts answers by their kind.
type tally struct {
	mu     sync.Mutex // guards counts
	counts map[string]int
}

func (c *tally) add(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.counts == nil {
		c.counts = make(map[string]int)
	}
	c.counts[what]++
}

func (c *tally) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		parts = append(parts, fmt.Sprintf("%d x %s", c.counts[what], what))
	}
	return strings.Join(parts, ", ")
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
