package httpd

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
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
