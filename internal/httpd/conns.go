package httpd

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
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

// connKey is the context key of a connection's write deadline.
type connKey struct{}

// withDeadline is for [http.Server.ConnContext]. Setting a deadline costs a fiftieth of a small answer, so the requests of
// one connection, which come one after the other, share one for as long as it will do.
func withDeadline(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, new(time.Time))
}

// connDeadline returns where the write deadline of the request's connection is kept, nil when that is nowhere.
func connDeadline(ctx context.Context) *time.Time {
	deadline, _ := ctx.Value(connKey{}).(*time.Time)
	return deadline
}
