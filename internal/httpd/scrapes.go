package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"configapi/internal/fault"
	"configapi/internal/problem"
)

const (
	// maxScrapeConns is how many connections for metrics are open; others wait to be accepted.
	maxScrapeConns = 16
	// scrapeTimeout is how long a request for metrics, and its answer, may take each.
	scrapeTimeout = 10 * time.Second
	// maxScrapeHeader is the size of the largest header of a request for metrics.
	maxScrapeHeader = 8 << 10
	// scrapeShutdownTimeout is how long an open request may take when ServeMetrics ends.
	scrapeShutdownTimeout = 500 * time.Millisecond
)

// ServeMetrics serves /metrics alone, and to everyone, until ctx ends. It returns nil then, after
// half a second at most, or an error when the listener has failed. It closes the listener.
func (s *Server) ServeMetrics(ctx context.Context, inner net.Listener) error {
	server := &http.Server{
		Handler:        http.HandlerFunc(s.answerScrape),
		ReadTimeout:    scrapeTimeout,
		WriteTimeout:   scrapeTimeout,
		IdleTimeout:    idleTimeout,
		MaxHeaderBytes: maxScrapeHeader,
		ErrorLog:       slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	listener := &fewConns{Listener: inner, free: make(chan struct{}, maxScrapeConns), closed: make(chan struct{})}
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		s.opts.Log.Error("metrics are no longer served at their own address", "error", err)
		_ = server.Close()
		return fmt.Errorf("serving metrics: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), scrapeShutdownTimeout)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
	<-served
	return nil
}

func (s *Server) answerScrape(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.Path != "/metrics" {
		problem.Problem{Kind: fault.NotFound, Detail: "there is only /metrics at this address"}.Write(w)
		return
	}
	s.answerHealth(w, r, s.metrics.ServeHTTP)
}

// fewConns is a listener with at most cap(free) open connections. Others wait to be accepted.
type fewConns struct {
	net.Listener
	free    chan struct{} // one element for each open connection
	closing sync.Once
	closed  chan struct{}
}

// Accept returns the next connection, once there is a place for it.
func (l *fewConns) Accept() (net.Conn, error) {
	select {
	case l.free <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &oneOfFew{Conn: conn, release: sync.OnceFunc(func() { <-l.free })}, nil
}

// Close ends Accept. It may be called several times.
func (l *fewConns) Close() error {
	l.closing.Do(func() { close(l.closed) })
	if err := l.Listener.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// oneOfFew is a connection that gives its place back when it is closed.
type oneOfFew struct {
	net.Conn
	release func()
}

func (c *oneOfFew) Close() error {
	defer c.release()
	return c.Conn.Close()
}
