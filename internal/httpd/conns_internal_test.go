package httpd

import (
	"net"
	"net/http"
	"testing"
)

// TestUnusedConns walks connections through their states. close must close the unused ones, also
// one that is accepted later, and no other.
func TestUnusedConns(t *testing.T) {
	unused := newUnusedConns()
	connect := func() (conn *closing) {
		conn = new(closing)
		unused.track(conn, http.StateNew)
		return conn
	}
	used, gone, silent := connect(), connect(), connect()
	unused.track(used, http.StateActive)
	unused.track(used, http.StateIdle)
	unused.track(gone, http.StateClosed)
	unused.close()
	after := connect()
	if used.closed || gone.closed || !silent.closed || !after.closed {
		t.Errorf("closed: used %t, gone %t, silent %t, after %t", used.closed, gone.closed, silent.closed, after.closed)
	}
	unused.track(silent, http.StateClosed)
	unused.track(after, http.StateClosed)
	if unused.count.Load() != 0 || len(unused.conns) != 0 {
		t.Errorf("%d connections are still known", len(unused.conns))
	}
}

// closing is a connection that records whether it was closed.
type closing struct {
	net.Conn
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}
