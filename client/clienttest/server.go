package clienttest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"configapi/client"
	"configapi/client/rest"
)

// Server is a server in memory. Use [New]; it is safe for concurrent use.
type Server struct {
	t     testing.TB
	http  *http.Server
	pipes *pipes

	mu      sync.Mutex // guards all below
	history history
	tokens  map[string]*token // :: secret → what it may read; nil: none is needed
	moved   chan struct{}     // closed when the history or a token has changed
	down    bool
	conns   map[net.Conn]struct{} // that are open
	tcp     *httptest.Server      // nil: URL was not called
	asked   int
}

// token is what a secret may do.
type token struct {
	secret   string
	prefixes []string // that it may read and write
	since    int64    // the number of the change that has set prefixes
}

// New returns a server without configs, which is open to everyone. It ends with the test.
func New(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, pipes: newPipes(), moved: make(chan struct{}), conns: map[net.Conn]struct{}{}, history: history{salt: 1}}
	s.http = &http.Server{Handler: http.HandlerFunc(s.serve), ConnState: s.connState}
	var running sync.WaitGroup
	running.Go(func() { _ = s.http.Serve(s.pipes) })
	t.Cleanup(func() {
		s.mu.Lock()
		tcp := s.tcp
		s.mu.Unlock()
		if tcp != nil {
			tcp.CloseClientConnections()
			tcp.Close()
		}
		_ = s.http.Close()
		running.Wait()
	})
	return s
}

// Options returns the options of a client of this server. They may be changed.
func (s *Server) Options() client.Options {
	return client.Options{
		URL: "http://config.localhost", Dial: s.dial, Insecure: true,
		OnError: func(err error) { s.t.Logf("the client reports: %v", err) },
	}
}

// URL returns the address of the server for other processes, on 127.0.0.1.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tcp == nil {
		s.tcp = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
		s.tcp.Config.ConnState = s.connState
		s.tcp.Start()
	}
	return s.tcp.URL
}

func (s *Server) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, errors.New("connection refused")
	}
	return s.pipes.dial(ctx)
}

// Set gives a config a value, and returns the position of the change.
func (s *Server) Set(name, value string) (position string) {
	return s.Apply(client.Change{Set: &client.Set{Name: name, Value: value}})
}

// Delete deletes a config, and returns the position of the change. A name without a config is an
// error of the test.
func (s *Server) Delete(name string) (position string) {
	return s.Apply(client.Change{Delete: &client.Delete{Name: name}})
}

// Apply makes changes as one change set, and returns its position. Changes that cannot be made are
// an error of the test.
func (s *Server) Apply(changes ...client.Change) (position string) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	result, failures := s.history.apply(client.ChangeSet{Changes: changes}, "")
	if len(failures) > 0 {
		s.t.Errorf("changes that cannot be made: %s", failures[0].Message)
	}
	s.move()
	return result.Position
}

// Position returns the newest position.
func (s *Server) Position() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.history.head()
}

// Rewind takes all changes after a position back, as if an older backup had been restored, and cuts
// all connections. Positions after it are unknown from then on.
func (s *Server) Rewind(position string) {
	s.mu.Lock()
	s.history.rewind(position)
	s.move()
	s.mu.Unlock()
	s.Cut()
}

// Stop has the server be unreachable until Start is called.
func (s *Server) Stop() {
	s.mu.Lock()
	s.down = true
	s.mu.Unlock()
	s.Cut()
}

// Start has the server be reachable again.
func (s *Server) Start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

// Cut cuts all connections.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		_ = conn.Close()
	}
}

// Issue has the server know a token with which the configs at and below some prefixes may be read
// and written; "" stands for all. From the first one on, requests without a token are refused.
// Another call with the same secret changes what it may read, which ends its streams.
func (s *Server) Issue(secret string, prefixes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]*token{}
	}
	s.history.add(rest.Revision{Operation: tokenChanged})
	s.tokens[secret] = &token{secret: secret, prefixes: prefixes, since: int64(len(s.history.revisions))}
	s.move()
}

// Revoke has the server refuse a token, and end its streams.
func (s *Server) Revoke(secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil {
		s.tokens = map[string]*token{}
	}
	delete(s.tokens, secret)
	s.move()
}

// Requests returns how many requests the server has got.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// move wakes all streams. The caller has the lock.
func (s *Server) move() {
	close(s.moved)
	s.moved = make(chan struct{})
}

func (s *Server) connState(conn net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.conns[conn] = struct{}{}
		if s.down {
			_ = conn.Close()
		}
	case http.StateClosed, http.StateHijacked:
		delete(s.conns, conn)
	}
}

// caller returns what a request may do, nil for everything. The answer is made when it is refused.
func (s *Server) caller(w http.ResponseWriter, r *http.Request) (t *token, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.tokens == nil {
		return nil, true
	}
	secret, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if t, ok = s.tokens[secret]; !ok {
		fail(w, http.StatusUnauthorized, rest.CodeUnauthenticated, "the token is not valid; ask for another one")
	}
	return t, ok
}

// may reports whether a caller may read a name.
func (t *token) may(name string) bool {
	if t == nil {
		return true
	}
	for _, prefix := range t.prefixes {
		if within(name, prefix) {
			return true
		}
	}
	return false
}

// within reports whether a name is at or below a prefix, in whole segments.
func within(name, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return prefix == "" || name == prefix || strings.HasPrefix(name, prefix+"/")
}

// pipes is a listener whose connections are in memory.
type pipes struct {
	accepted chan net.Conn
	once     sync.Once
	closed   chan struct{}
}

func newPipes() *pipes { return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.accepted <- far:
		return near, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }
