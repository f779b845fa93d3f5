package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"
)

// server is the server that is measured.
type server struct {
	url    string
	client *http.Client
	past   string // an instant before the newest values
}

// configs have values of valueBytes; one more config has a history of as many large values.
const configs, valueBytes, versions = 500, 100_000, 100

// fill writes all values twice, so that those of before have to be read from the store.
func (s *server) fill(ctx context.Context) error {
	value := strings.Repeat("v", valueBytes)
	for round := range 2 {
		for i := range configs {
			if !s.put(ctx, fmt.Sprintf("n%03d", i), value, false) {
				return fmt.Errorf("writing config %d failed", i)
			}
		}
		if round == 0 {
			time.Sleep(10 * time.Millisecond)
			s.past = time.Now().UTC().Format(time.RFC3339Nano)
			time.Sleep(10 * time.Millisecond)
		}
	}
	for i := range versions {
		if !s.put(ctx, "big", value, false) {
			return fmt.Errorf("writing version %d failed", i)
		}
	}
	return nil
}

func (s *server) put(ctx context.Context, name, value string, keyed bool) bool {
	body, _ := json.Marshal(map[string]string{"value": value})
	header := http.Header{"Content-Type": {"application/json"}}
	if keyed {
		header.Set("Idempotency-Key", fmt.Sprintf("%x", rand.Uint64()))
	}
	return s.do(ctx, http.MethodPut, "/config/"+name, header, string(body))
}

func (s *server) get(ctx context.Context, path string) bool {
	return s.do(ctx, http.MethodGet, path, nil, "")
}

// query reports whether there is an answer without errors.
func (s *server) query(ctx context.Context, query string) bool {
	body, _ := json.Marshal(map[string]string{"query": query})
	return s.do(ctx, http.MethodPost, "/graphql", http.Header{"Content-Type": {"application/json"}}, string(body))
}

func (s *server) do(ctx context.Context, method, path string, header http.Header, body string) bool {
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, strings.NewReader(body))
	if err != nil {
		return false
	}
	request.Header = header
	answer, err := s.client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	start := make([]byte, 20)
	n, _ := io.ReadFull(answer.Body, start)
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK && !strings.HasPrefix(string(start[:n]), `{"errors"`)
}

// times are those of one kind of request.
type times struct {
	took   []time.Duration
	failed int
}

func (t *times) take(do func() bool) {
	began := time.Now()
	if do() {
		t.took = append(t.took, time.Since(began))
	} else {
		t.failed++
	}
}

func (t *times) String() string {
	if len(t.took) == 0 {
		return fmt.Sprintf("none, %d failed", t.failed)
	}
	slices.Sort(t.took)
	at := func(share float64) string {
		return t.took[int(share*float64(len(t.took)-1))].Round(10 * time.Microsecond).String()
	}
	return fmt.Sprintf("p50 %s p99 %s of %d, %d failed", at(0.5), at(0.99), len(t.took), t.failed)
}
