package httpd

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"configapi/internal/requestid"
)

// unusedConns tracks the connections that have not sent anything yet. Browsers open such
// connections in advance, and [http.Server.Shutdown] waits up to 5 s for each.
type unusedConns struct {
	count atomic.Int64 // of conns; read without the lock, since it is 0 most of the time

	mu     sync.Mutex // guards the fields below
	conns  map[net.Conn]struct{}
	closed bool
}

func newUnusedConns() *unusedConns { return &unusedConns{conns: make(map[net.Conn]struct{})} }

// track is the [http.Server.ConnState] hook. net/http reports the states of a connection in order.
func (u *unusedConns) track(conn net.Conn, state http.ConnState) {
	if tracked := trackedOf(conn); tracked != nil && state == http.StateIdle {
		tracked.header.reset()
	}
	if state != http.StateNew && u.count.Load() == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if state == http.StateNew {
		u.conns[conn] = struct{}{}
		if u.closed {
			_ = conn.Close()
		}
	} else {
		delete(u.conns, conn)
	}
	u.count.Store(int64(len(u.conns)))
}

// close closes the unused connections, and those that are accepted later.
func (u *unusedConns) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for conn := range u.conns {
		_ = conn.Close()
	}
}

// connInfo is what the consecutive requests of a connection share.
type connInfo struct {
	id      requestid.Slot
	remote  atomic.Pointer[string] // address of the client; nil: no request yet
	header  *headerReservation     // nil: headers are not limited
	tracked *trackedConn           // nil: that of a test
	proof   *lastProof
}

type connKey struct{}

// withConnInfo is the [http.Server.ConnContext] hook.
func withConnInfo(ctx context.Context, conn net.Conn) context.Context {
	state := &connInfo{proof: new(lastProof)}
	if tracked := trackedOf(conn); tracked != nil {
		state.header, state.tracked = tracked.header, tracked
	}
	return state.context(ctx)
}

func (c *connInfo) context(ctx context.Context) context.Context {
	return context.WithValue(requestid.With(ctx, &c.id), connKey{}, c)
}

// connInfoOf returns the info of the request's connection, nil if it has none.
func connInfoOf(ctx context.Context) *connInfo {
	state, _ := ctx.Value(connKey{}).(*connInfo)
	return state
}
