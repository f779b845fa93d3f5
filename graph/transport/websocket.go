package transport

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/99designs/gqlgen/graphql"
)

// Subprotocol is the websocket sub-protocol that [Websocket] speaks, the only one.
const Subprotocol = "graphql-transport-ws"

// Websocket is GraphQL over websockets, by the graphql-transport-ws protocol to the letter.
//
// A peer that stops taking bytes is dropped after [WebsocketOptions.WriteTimeout]; until then only its own streams wait.
// An idle socket costs one goroutine, that of its reader: there is a writer only while there is something to write.
type Websocket struct {
	options  WebsocketOptions
	upgrader websocket.Upgrader
	groups   groups

	mu       sync.Mutex           // guards the following
	sockets  map[*socket]struct{} // those that are open
	entered  int                  // sockets that are open, and upgrades under way
	stopping bool
	idle     chan struct{} // closed when stopping and nothing is entered
}

var _ graphql.Transport = (*Websocket)(nil)

// NewWebsocket returns the transport with these options. Call [Websocket.Shutdown] when it is not needed any more.
func NewWebsocket(options WebsocketOptions) *Websocket {
	t := &Websocket{
		options: options.withDefaults(),
		groups:  groups{byKey: make(map[groupKey]*group)},
		sockets: make(map[*socket]struct{}),
		idle:    make(chan struct{}),
	}
	t.upgrader = newUpgrader(t)
	return t
}

// Supports is true for requests that ask for a websocket.
func (t *Websocket) Supports(r *http.Request) bool {
	return websocket.IsWebSocketUpgrade(r)
}

// Do opens a socket and returns; from then on the socket's own goroutine serves it, with the values of the request's context.
func (t *Websocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	if !t.enter() {
		writeFault(w, mediaJSON, &fault{status: http.StatusServiceUnavailable, code: CodeUnavailable, message: "the server is shutting down"})
		return
	}
	reader, wire, err := t.upgrade(w, r)
	if err != nil {
		// The client has been told already, by the upgrader or by its connection having broken.
		t.leave(nil)
		return
	}
	s := newSocket(t, exec, r, reader, wire)
	if reader.Subprotocol() != Subprotocol {
		t.refuseSubprotocol(s, r)
	}
	t.open(s)
	go s.run()
}

// CloseAll closes the sockets that are open now, each after what is queued for it has been sent. It does not wait for that.
func (t *Websocket) CloseAll(code int, reason string) {
	for _, s := range t.snapshot() {
		s.close(code, reason)
	}
}

// Shutdown refuses new sockets with 503, closes the open ones with 1012, which tells clients to come back, and waits until all their
// goroutines have ended. When the context ends before that, it cuts the connections that are left, and returns an error.
func (t *Websocket) Shutdown(ctx context.Context) error {
	t.stop()
	t.CloseAll(CloseRestart, "the server is shutting down")
	select {
	case <-t.idle:
		return t.awaitGroups(ctx)
	case <-ctx.Done():
	}
	left := t.snapshot()
	for _, s := range left {
		s.abort()
	}
	return fmt.Errorf("closing websockets: %d were cut: %w", len(left), context.Cause(ctx))
}

// awaitGroups waits until the goroutines of the groups have ended. They end with their members, who have
// all left.
func (t *Websocket) awaitGroups(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		t.groups.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing websockets: waiting for groups of subscriptions: %w", context.Cause(ctx))
	}
}

func (t *Websocket) stop() {
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

func (t *Websocket) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping {
		return false
	}
	t.entered++
	return true
}

// open makes the socket known. One whose upgrade was under way when Shutdown came is closed here, as Shutdown has not seen it.
func (t *Websocket) open(s *socket) {
	t.mu.Lock()
	t.sockets[s] = struct{}{}
	stopping := t.stopping
	t.mu.Unlock()
	if stopping {
		s.close(CloseRestart, "the server is shutting down")
	}
}

// leave ends what enter began. The socket is nil when the upgrade failed.
func (t *Websocket) leave(s *socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sockets, s)
	t.entered--
	if t.stopping && t.entered == 0 {
		close(t.idle)
	}
}

func (t *Websocket) snapshot() []*socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*socket, 0, len(t.sockets))
	for s := range t.sockets {
		all = append(all, s)
	}
	return all
}
