// Package gqlws is GraphQL over websockets, as a transport for gqlgen's handler, by the
// graphql-transport-ws protocol to the letter. Package configapi/test/graphqlws has its rules as a
// suite. gqlgen's own transport is not used: it breaks the protocol in most error cases, and a
// reader that has stalled holds its resolver for ever.
//
//	ws := gqlws.New(gqlws.Options{Budgets: budgets})
//	server.AddTransport(ws) // before the one of plain HTTP
//	…
//	err := ws.Shutdown(ctx) // the HTTP server does not know of sockets
//
// # What a client can rely on
//
// An operation is ended by "complete", or by "error" when its source failed, when its document is
// refused or when a resolver panicked. A socket is never closed with 1000 unless the client asked
// for it: clients take 1000 for success. When it closes, what is queued is sent first, unless it
// closes because the client's rights have ended: then no frame of an operation is begun any more. A
// client resumes operations that end without a message, from where they were.
//
// A peer that stops taking bytes is dropped after 10 s; until then only its own operations wait. An
// idle socket costs one goroutine, its reader's: there is a writer only while there is something to
// write.
//
// # What it does not do
//
// It never compresses, and does not check which page a request comes from: the HTTP server must do
// so before.
package gqlws

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/fanout"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/fault"
)

// Transport opens sockets. It is safe for concurrent use.
type Transport struct {
	options  Options
	upgrader websocket.Upgrader
	groups   *fanout.Groups

	mu       sync.Mutex           // guards the following
	sockets  map[*socket]struct{} // those that are open
	entered  int                  // sockets that are open, and upgrades under way
	stopping bool
	idle     chan struct{} // closed when stopping and nothing is entered
}

var _ graphql.Transport = (*Transport)(nil)

// New returns the transport with these options. It panics when one is negative. Call
// [Transport.Shutdown] when it is not needed any more.
func New(options Options) *Transport {
	options = options.withDefaults()
	return &Transport{
		options:  options,
		upgrader: newUpgrader(options.rules.writeTimeout),
		groups: fanout.NewGroups(fanout.Options{
			Budgets: options.Budgets, OffsetArgument: options.OffsetArgument, Shared: options.Shared,
			MaxBacklogBytes: options.MaxQueuedBytes,
		}),
		sockets: make(map[*socket]struct{}),
		idle:    make(chan struct{}),
	}
}

// Supports is true for requests that ask for a websocket.
func (t *Transport) Supports(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Do opens a socket and returns. From then on the socket's own goroutine serves it, with the values
// of the request's context.
func (t *Transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if !t.enter() {
		gqlmsg.WriteFault(w, gqlmsg.MediaJSON, &gqlmsg.Fault{Kind: fault.Unavailable,
			Message: "the server is shutting down"})
		return
	}
	reader, wire, err := upgrade(&t.upgrader, w, r)
	if err != nil {
		// The client has its answer already, by the upgrader, or its connection has broken.
		t.leave(nil)
		return
	}
	s := newSocket(&t.options, t.groups, exec, r, reader, wire)
	if reader.Subprotocol() != Subprotocol {
		code, reason := refuseSubprotocol(t.options.Log, reader.Subprotocol(), r)
		s.close(code, reason)
	}
	t.open(s)
	go func() {
		defer t.leave(s)
		s.run()
	}()
}

// CloseAll closes the sockets that are open now, each after what is queued for it has been sent. It
// does not wait for that.
func (t *Transport) CloseAll(code int, reason string) {
	for _, s := range t.snapshot() {
		s.close(code, reason)
	}
}

// Shutdown refuses new sockets with 503, closes the open ones with 1012, which asks clients to
// reconnect, and waits until all their goroutines have ended. When the context ends before that, it
// cuts the connections that are left, and returns an error.
func (t *Transport) Shutdown(ctx context.Context) error {
	t.stop()
	t.CloseAll(CloseRestart, "the server is shutting down")
	select {
	case <-t.idle:
		if err := t.groups.Wait(ctx); err != nil {
			return fmt.Errorf("closing websockets: %w", err)
		}
		return nil
	case <-ctx.Done():
	}
	left := t.snapshot()
	for _, s := range left {
		s.abort()
	}
	return fmt.Errorf("closing websockets: %d were cut: %w", len(left), context.Cause(ctx))
}

// Counts returns how many sockets are open, how many operations they have, and how many groups
// share the work of subscriptions.
func (t *Transport) Counts() (sockets, operations, groups int) {
	for _, s := range t.snapshot() {
		sockets++
		operations += s.operations.registry.count()
	}
	return sockets, operations, len(t.groups.Sizes())
}

func (t *Transport) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping {
		return
	}
	t.stopping = true
	if t.entered == 0 {
		close(t.idle)
	}
}

func (t *Transport) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping {
		return false
	}
	t.entered++
	return true
}

// open makes the socket known. One whose upgrade was under way when Shutdown came is closed here,
// as Shutdown has not seen it.
func (t *Transport) open(s *socket) {
	t.mu.Lock()
	t.sockets[s] = struct{}{}
	stopping := t.stopping
	t.mu.Unlock()
	if stopping {
		s.close(CloseRestart, "the server is shutting down")
	}
}

// leave ends what enter began. The socket is nil when the upgrade failed.
func (t *Transport) leave(s *socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sockets, s)
	t.entered--
	if t.stopping && t.entered == 0 {
		close(t.idle)
	}
}

func (t *Transport) snapshot() []*socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*socket, 0, len(t.sockets))
	for s := range t.sockets {
		all = append(all, s)
	}
	return all
}
