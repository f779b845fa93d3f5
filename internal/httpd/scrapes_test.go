package httpd_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

// scrapes is a server of metrics under test.
type scrapes struct {
	listener *pipes
	stop     context.CancelFunc
	stopped  chan error
}

func serveMetrics(t *testing.T, store *configstoretest.Store) *scrapes {
	server := httpd.New(httpd.Options{Store: store.Store, REST: rest.New(store.Store, rest.Options{})})
	s := &scrapes{listener: newPipes(), stopped: make(chan error, 1)}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() { s.stopped <- server.ServeMetrics(ctx, s.listener) }()
	t.Cleanup(stop)
	return s
}

// ask sends a request over a new connection, which it returns still open.
func (s *scrapes) ask(t *testing.T, request string) (net.Conn, *http.Response, string) {
	t.Helper()
	conn := s.listener.dial()
	if conn == nil {
		t.Fatal("no connection is accepted")
	}
	go func() { _, _ = io.WriteString(conn, request+" HTTP/1.1\r\nHost: prometheus\r\n\r\n") }()
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return conn, answer, string(body)
}

// TestMetricsAtTheirOwnAddress asks a closed server without a token.
func TestMetricsAtTheirOwnAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := configstoretest.New(t, configstore.Options{})
		store.MustIssue(t, "ci", time.Time{}, "READ:")
		s := serveMetrics(t, store)
		for request, want := range map[string]int{
			"GET /metrics": 200, "POST /metrics": 405, "GET /": 404, "GET /config": 404, "GET /graphql": 404, "GET /health": 404, "GET /v1/metrics": 404,
		} {
			conn, answer, body := s.ask(t, request)
			if answer.StatusCode != want || strings.Contains(body, "configapi_ready 1") != (want == 200) || answer.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
				t.Errorf("%s: got %d %v %s", request, answer.StatusCode, answer.Header, body)
			}
			_ = conn.Close()
		}
		s.stop()
		if err := <-s.stopped; err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
}

// TestScrapersAreBounded has silent connections, as many as there may be. Another one is answered
// when they are cut. Then the server stops beside new silent ones.
func TestScrapersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serveMetrics(t, configstoretest.New(t, configstore.Options{}))
		begun := time.Now()
		for range 16 {
			defer s.listener.dial().Close()
		}
		conn, answer, _ := s.ask(t, "GET /metrics")
		if took := time.Since(begun); answer.StatusCode != 200 || took != 10*time.Second {
			t.Errorf("got %d after %v, want 200 when the silent ones are cut", answer.StatusCode, took)
		}
		defer s.listener.dial().Close()
		begun = time.Now()
		s.stop()
		if err := <-s.stopped; err != nil || time.Since(begun) > time.Second {
			t.Errorf("stopping took %v: %v", time.Since(begun), err)
		}
		if s.listener.dial() != nil {
			t.Error("a connection is accepted after the end")
		}
		_ = conn.Close()
	})
}

// broken is a listener that fails.
type broken struct{ *pipes }

var errBroken = errors.New("broken")

func (broken) Accept() (net.Conn, error) { return nil, errBroken }

func TestAListenerOfMetricsThatFails(t *testing.T) {
	store := configstoretest.New(t, configstore.Options{})
	server := httpd.New(httpd.Options{Store: store.Store, REST: rest.New(store.Store, rest.Options{})})
	if err := server.ServeMetrics(t.Context(), broken{newPipes()}); !errors.Is(err, errBroken) {
		t.Errorf("got %v", err)
	}
}
