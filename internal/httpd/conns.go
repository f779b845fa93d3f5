package httpd

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"configapi/internal/requestid"
)

// freshConns knows the connections that have not sent anything yet. [http.Server.Shutdown] waits up to 5 seconds for those,
// and browsers open them in advance, so that stopping a server under a browser would seem to hang.
type freshConns struct {
	count atomic.Int64 // of conns; most of the time it is 0, and a request that begins need not lock

	mu     sync.Mutex // guards what is below
	conns  map[net.Conn]struct{}
	closed bool
}

func newFreshConns() *freshConns { return &freshConns{conns: make(map[net.Conn]struct{})} }

// track is for [http.Server.ConnState]. It hears of a connection's states one after the other.
func (f *freshConns) track(conn net.Conn, state http.ConnState) {
	if own, is := conn.(interface{ head() *head }); is && state == http.StateIdle {
		own.head().next()
	}
	if state != http.StateNew && f.count.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if state == http.StateNew {
		f.conns[conn] = struct{}{}
		if f.closed {
			_ = conn.Close()
		}
	} else {
		delete(f.conns, conn)
	}
	f.count.Store(int64(len(f.conns)))
}

// close closes the connections, also those that are still to come.
func (f *freshConns) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for conn := range f.conns {
		_ = conn.Close()
	}
}

// connState is what the requests of one connection share, which come one after the other.
type connState struct {
	deadline time.Time // for the next bytes of an answer; setting one costs a fiftieth of a small answer
	id       requestid.Slot
	head     *head // nil: the header costs nothing
}

type connKey struct{}

// withState is for [http.Server.ConnContext].
func withState(ctx context.Context, conn net.Conn) context.Context {
	state := new(connState)
	if own, is := conn.(interface{ head() *head }); is {
		state.head = own.head()
	}
	return state.context(ctx)
}

func (c *connState) context(ctx context.Context) context.Context {
	return context.WithValue(requestid.With(ctx, &c.id), connKey{}, c)
}

// connOf returns the state of the request's connection, nil when there is none.
func connOf(ctx context.Context) *connState {
	state, _ := ctx.Value(connKey{}).(*connState)
	return state
}
