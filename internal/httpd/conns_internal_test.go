package httpd

import (
	"net"
	"net/http"
	"testing"
)

// TestFreshConns walks connections through their states. Closing must meet those that have sent nothing, also one that
// comes late, and nobody else.
func TestFreshConns(t *testing.T) {
	fresh := newFreshConns()
	connect := func() (conn *closing) {
		conn = new(closing)
		fresh.track(conn, http.StateNew)
		return conn
	}
	used, gone, silent := connect(), connect(), connect()
	fresh.track(used, http.StateActive)
	fresh.track(used, http.StateIdle)
	fresh.track(gone, http.StateClosed)
	fresh.close()
	late := connect()
	if used.closed || gone.closed || !silent.closed || !late.closed {
		t.Errorf("closed: used %t, gone %t, silent %t, late %t", used.closed, gone.closed, silent.closed, late.closed)
	}
	fresh.track(silent, http.StateClosed)
	fresh.track(late, http.StateClosed)
	if fresh.count.Load() != 0 || len(fresh.conns) != 0 {
		t.Errorf("%d connections are still known", len(fresh.conns))
	}
}

// closing is a connection that knows whether it was closed.
type closing struct {
	net.Conn
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}
