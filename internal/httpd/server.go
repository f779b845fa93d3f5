// Package httpd is the HTTP server around all edges: it routes requests to them, and does for each request what is the
// same on every edge.
//
// Every request has an id, its own or one that it brings, which comes back in X-Request-Id and stands in its line of the
// log; there is one line a request, without values and without query parameters. A panic costs its request a 500, never the
// program. Until the store has applied its history, all but the health routes answer 503.
//
// Nobody holds a goroutine by being slow: there are time-outs for the header and for the body of a request, and for a
// client that takes no more bytes of an answer. None of them ends a stream that makes progress, or a websocket, whose
// connection is its own handler's to watch.
//
// It decides nothing about configs and does not encrypt: TLS is for what stands before it.
package httpd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/origin"
)

// Options of a [Server]. Zero fields have the defaults named.
type Options struct {
	// REST serves what no other handler does, also paths that do not exist. It must be set.
	REST http.Handler
	// GraphQL serves /graphql, Playground /playground and what is below. nil: REST does.
	GraphQL, Playground http.Handler
	// Store is asked whether it is ready, and for its health. It must be set.
	Store *configstore.Store
	// Guard decides which hosts the server answers for, and which pages may send requests. nil: IP
	// addresses and localhost, and the server's own pages.
	Guard *origin.Guard
	// Metrics are served at /metrics. nil: those of this server alone.
	Metrics *Metrics
	// Websockets counts open websockets, their operations and the groups that share work, for the metrics. nil: left out.
	Websockets func() (sockets, streams, groups int)
	// AuditDropped counts the lines of the audit log that were dropped, for the metrics. nil: left out.
	AuditDropped func() int64
	// Shutdown holds what is to be called when the server stops, for connections and streams that would not end by
	// themselves, such as websockets. Each gets a context that ends with ShutdownTimeout.
	Shutdown []func(context.Context) error

	// ReadHeaderTimeout is how long the header of a request may take. 0: 10 s.
	ReadHeaderTimeout time.Duration
	// BodyTimeout is how long the body of a request may take, from the end of the header on. 0: 30 s.
	BodyTimeout time.Duration
	// WriteTimeout is how long a client may take none of 64 KiB of an answer. 0: 10 s.
	WriteTimeout time.Duration
	// IdleTimeout is how long a connection without a request is kept. 0: 2 min.
	IdleTimeout time.Duration
	// ShutdownTimeout is how long a stop may take until connections are cut. 0: 8 s.
	ShutdownTimeout time.Duration
	// MaxConnections is how many connections are open at a time, websockets included. 0: 20,000.
	MaxConnections int
	// MaxConnectionsPerAddress is how many of them one IP address may have (of IPv6: one /64);
	// loopback addresses are not limited. 0: MaxConnections.
	MaxConnectionsPerAddress int
	// Bodies is the room of the bodies of requests in flight. nil: [budget.ForBodies].
	Bodies *budget.Budget
	// Headers is the room of the headers of requests in flight. nil: [budget.ForHeaders].
	Headers *budget.Budget
	// MaxHeaderBytes bounds the header of a request; a larger one gets 431. 0: 64 KiB.
	MaxHeaderBytes int

	// Now is the clock that /health tells. nil: time.Now.
	Now func() time.Time
	// Log gets a line a request, and what went wrong. nil: nothing is logged.
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	o.GraphQL = cmp.Or(o.GraphQL, o.REST)
	o.Playground = cmp.Or(o.Playground, o.REST)
	o.ReadHeaderTimeout = cmp.Or(o.ReadHeaderTimeout, 10*time.Second)
	o.BodyTimeout = cmp.Or(o.BodyTimeout, 30*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.IdleTimeout = cmp.Or(o.IdleTimeout, 2*time.Minute)
	o.ShutdownTimeout = cmp.Or(o.ShutdownTimeout, 8*time.Second)
	o.MaxHeaderBytes = cmp.Or(o.MaxHeaderBytes, 64<<10)
	o.MaxConnections = cmp.Or(o.MaxConnections, 20_000)
	if o.Bodies == nil {
		o.Bodies = budget.ForBodies()
	}
	if o.Headers == nil {
		o.Headers = budget.ForHeaders()
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics()
	}
	if o.Guard == nil {
		o.Guard, _ = origin.New(origin.Options{}) // fails only on what it is given
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Server serves all edges.
type Server struct {
	opts    Options
	ids     *ids
	health  *health
	metrics http.Handler
}

// New returns a server. [Server.Serve] does the work.
func New(opts Options) *Server {
	opts.setDefaults()
	return &Server{opts: opts, ids: newIDs(), health: newHealth(opts), metrics: opts.Metrics.handler(opts)}
}

// Serve takes connections from the listener until ctx ends. Then it takes no more, lets requests under way finish, calls
// the Shutdown functions meanwhile, and returns nil when all of it is done; what is not within ShutdownTimeout is cut off and
// the error says so. Requests do not see the end of ctx, so the store must go on for as long as Serve does.
//
// The listener is closed when Serve returns.
func (s *Server) Serve(ctx context.Context, inner net.Listener) error {
	listener := limit(inner, s.opts)
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	fresh := newFreshConns()
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.opts.ReadHeaderTimeout,
		IdleTimeout:       s.opts.IdleTimeout,
		MaxHeaderBytes:    s.opts.MaxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       withState,
		ConnState:         fresh.track,
		ErrorLog:          slog.NewLogLogger(s.opts.Log.Handler(), slog.LevelWarn),
	}
	server.RegisterOnShutdown(fresh.close)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		_ = server.Close()
		return fmt.Errorf("serving HTTP: %w", err)
	case <-ctx.Done():
	}
	err := s.shutDown(context.WithoutCancel(ctx), server)
	<-served
	return err
}

// shutDown stops taking connections and waits for what is under way.
func (s *Server) shutDown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, s.opts.ShutdownTimeout)
	defer cancel()
	errs := make([]error, len(s.opts.Shutdown))
	var hooks sync.WaitGroup
	for i, hook := range s.opts.Shutdown {
		hooks.Go(func() { errs[i] = hook(ctx) })
	}
	err := server.Shutdown(ctx)
	if err != nil {
		_ = server.Close()
		err = fmt.Errorf("requests were cut off after %v: %w", s.opts.ShutdownTimeout, err)
	}
	hooks.Wait()
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("shutting the HTTP server down: %w", err)
	}
	return nil
}
