// Package httpd is the HTTP server around all edges: it routes requests to them, and does what is
// the same for all of them.
//
// Each request has an id, generated or taken from X-Request-Id, which the answer and the log line
// repeat. There is one log line per request, without values and without the query. A panic costs
// its own request a 500 and nothing else. Until the store has applied its history, all routes but
// the health routes answer 503.
//
// Connections, headers, bodies and answers are bounded in size, number, time and memory, so a slow
// client cannot hold a goroutine or memory for long. The bounds do not end a stream that makes
// progress, nor a websocket, whose connection belongs to its handler.
//
// The package authenticates the caller of a request before any edge sees it, by the header
// Authorization alone: never by a cookie or the URL. The config store decides what the caller may
// do.
//
// With a certificate the server speaks TLS from version 1.2 on, and HTTP/2 to clients that offer
// it. The bounds are the same: each request of HTTP/2 counts as a connection.
//
// The package has no rule about configs.
package httpd

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/budget"
	"configapi/internal/configstore"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
	"configapi/internal/origin"
)

const (
	// maxHeaderBytes is the size of the largest request header; a larger one gets 431.
	maxHeaderBytes = 64 << 10
	// idleTimeout is how long a connection without a request stays open.
	idleTimeout = 2 * time.Minute
	// shutdownTimeout is how long a shutdown may take before connections are closed.
	shutdownTimeout = 8 * time.Second
)

// Options of a [Server]. REST and Store must be set; other zero fields have the defaults named.
type Options struct {
	// REST serves every path that no other handler serves, also paths that do not exist.
	REST http.Handler
	// GraphQL serves /graphql, and Playground /playground and the paths below. nil: REST.
	GraphQL, Playground http.Handler
	// RefuseGraphQL answers a request at /graphql that is refused before GraphQL gets it. nil: with
	// problem details.
	RefuseGraphQL func(w http.ResponseWriter, kind fault.Kind, message string)
	// Attempts counts refused tokens. nil: they are answered at once, however many come.
	Attempts *attempts.Attempts
	// Refusals gets callers that are refused. nil: they are not logged.
	Refusals *audit.Refusals
	// Exposed says that other machines reach the server without a proxy.
	Exposed bool
	// AllowAnonymous has an exposed server, or one behind a proxy, serve everyone while no token
	// was ever issued. /health then says so. Without it such requests get 403.
	AllowAnonymous bool
	// Store is asked for its health and whether it is ready.
	Store *configstore.Store
	// Begun is closed when the server may answer: until then it answers nothing but the probes, as
	// before the history is applied. nil: it may from the beginning.
	Begun <-chan struct{}
	// Guard decides which hosts and which origins are allowed. nil: IP addresses, localhost, and
	// pages of the server itself.
	Guard *origin.Guard
	// GetCertificate returns the certificate for a TLS handshake, as [tls.Config.GetCertificate].
	// nil: Serve speaks plain HTTP. ServeAdmin and ServeMetrics always do.
	GetCertificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Proxies may say which client a request comes from. nil: none may.
	Proxies *Proxies
	// Metrics is served at /metrics. nil: new metrics.
	Metrics *Metrics
	// Websockets counts open websockets, their operations, and their groups, for the metrics. nil:
	// these metrics are left out.
	Websockets func() (sockets, streams, groups int)
	// AuditDropped counts dropped audit lines for the metrics. nil: left out.
	AuditDropped func() int64
	// Shutdown has functions that end connections which would not end by themselves, such as
	// websockets. They run at the beginning of a shutdown, with a context that ends after 8 s.
	Shutdown []func(context.Context) error

	// ReadHeaderTimeout is how long a request's header may take, and so a TLS handshake. 0: 10 s.
	// Negative: New panics, as for all fields below.
	ReadHeaderTimeout time.Duration
	// BodyTimeout is how long a request's body may take, counted from the end of the header. 0: 30
	// s.
	BodyTimeout time.Duration
	// WriteTimeout is how long a client may take for 64 KiB of an answer. 0: 10 s.
	WriteTimeout time.Duration
	// MaxConnections is how many connections may be open, websockets included. 0: 20,000.
	MaxConnections int
	// MaxConnectionsPerAddress is how many connections one IP address (of IPv6: one /64) may have.
	// Loopback addresses are not limited. Of Proxies, each request counts as a connection of its
	// client, and so does each request of HTTP/2. 0: MaxConnections.
	MaxConnectionsPerAddress int
	// Bodies is the memory for request bodies. nil: [budget.ForBodies].
	Bodies *budget.Budget
	// Headers is the memory for request headers. nil: [budget.ForHeaders].
	Headers *budget.Budget

	// Now is the clock that /health shows. nil: [time.Now].
	Now func() time.Time
	// Log gets a line per request, and problems. nil: nothing is logged.
	Log *slog.Logger
}

// check returns an error for options that make no sense.
func (o *Options) check() error {
	switch {
	case o.REST == nil:
		return errors.New("Options.REST is not set")
	case o.Store == nil:
		return errors.New("Options.Store is not set")
	case o.ReadHeaderTimeout < 0:
		return fmt.Errorf("Options.ReadHeaderTimeout is negative: %v", o.ReadHeaderTimeout)
	case o.BodyTimeout < 0:
		return fmt.Errorf("Options.BodyTimeout is negative: %v", o.BodyTimeout)
	case o.WriteTimeout < 0:
		return fmt.Errorf("Options.WriteTimeout is negative: %v", o.WriteTimeout)
	case o.MaxConnections < 0:
		return fmt.Errorf("Options.MaxConnections is negative: %d", o.MaxConnections)
	case o.MaxConnectionsPerAddress < 0:
		return fmt.Errorf("Options.MaxConnectionsPerAddress is negative: %d", o.MaxConnectionsPerAddress)
	}
	return nil
}

func (o *Options) setDefaults() {
	o.GraphQL = cmp.Or(o.GraphQL, o.REST)
	o.ReadHeaderTimeout = cmp.Or(o.ReadHeaderTimeout, 10*time.Second)
	o.BodyTimeout = cmp.Or(o.BodyTimeout, 30*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
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
		o.Guard, _ = origin.New(origin.Options{}) // cannot fail without options
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// Server serves all edges. Use [New]; a Server is safe for concurrent use.
type Server struct {
	opts    Options
	ids     *ids
	health  *health
	metrics http.Handler
	clients *eventstream.Limit // of requests that proxies send, and of those of HTTP/2
	// callerRefused counts and logs a caller that is refused, and reports whether it has a line.
	callerRefused func(context.Context, audit.Refusal) (hasLine bool)
	// strangers are requests of foreign pages and for unknown hosts.
	strangers audit.Sample
}

// New returns a server, which [Server.Serve] runs. It panics when the options make no sense.
func New(opts Options) *Server {
	if err := opts.check(); err != nil {
		panic("httpd: " + err.Error())
	}
	opts.setDefaults()
	s := &Server{opts: opts, ids: newIDs(), metrics: opts.Metrics.handler(opts)}
	s.clients = eventstream.NewLimit(opts.MaxConnections, opts.MaxConnectionsPerAddress)
	s.callerRefused = callerRefused(opts.Metrics, opts.Refusals)
	s.health = newHealth(s)
	return s
}

// Serve accepts connections from the listener until ctx ends. Then it accepts no more, calls the
// Shutdown functions, and waits until all requests are answered. It returns nil, or an error when
// requests were cut off after 8 s, a Shutdown function failed, or the listener did. Requests do not
// see the end of ctx, so the store must run for as long as Serve does.
//
// Serve closes the listener.
func (s *Server) Serve(ctx context.Context, inner net.Listener) error {
	listener := limit(inner, s.opts)
	listener.secured = s.opts.GetCertificate != nil
	return s.serve(ctx, listener, s, s.opts.Shutdown)
}

// serve has a handler serve the connections of a listener until ctx ends. hooks are called then.
func (s *Server) serve(ctx context.Context, listener *listener, handler http.Handler, hooks []func(context.Context) error) error {
	requests, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	unused := newUnusedConns()
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: s.opts.ReadHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ConnContext:       withConnInfo,
		ConnState:         unused.track,
		ErrorLog:          log.New(&serverErrors{log: s.opts.Log}, "", 0),
	}
	server.RegisterOnShutdown(unused.close)
	serve := server.Serve
	if listener.secured {
		s.secure(server)
		serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}

	served := make(chan error, 1)
	go func() { served <- serve(listener) }()
	select {
	case err := <-served:
		_ = server.Close()
		return fmt.Errorf("serving HTTP: %w", err)
	case <-ctx.Done():
	}
	err := shutDown(context.WithoutCancel(ctx), server, hooks)
	<-served
	return err
}

// shutDown accepts no more connections and waits for open requests.
func shutDown(ctx context.Context, server *http.Server, hooks []func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	errs := make([]error, len(hooks))
	var calls sync.WaitGroup
	for i, hook := range hooks {
		calls.Go(func() { errs[i] = hook(ctx) })
	}
	err := server.Shutdown(ctx)
	if err != nil {
		_ = server.Close()
		err = fmt.Errorf("requests were cut off after %v: %w", shutdownTimeout, err)
	}
	calls.Wait()
	if err := errors.Join(append(errs, err)...); err != nil {
		return fmt.Errorf("shutting the HTTP server down: %w", err)
	}
	return nil
}
