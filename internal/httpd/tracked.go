package httpd

import (
	"net"
	"sync"
	"time"

	"configapi/internal/eventstream"
)

// trackedConn is a connection that counts until it is closed.
//
// It passes a write deadline on when a write begins. net/http removes the deadline after each
// answer; the next answer usually sets the same one, which the connection still has, so the
// runtime's timer need not change. BenchmarkServer measures this.
type trackedConn struct {
	inner    net.Conn
	listener *listener
	client   eventstream.Client
	header   *headerReservation
	closed   sync.Once

	mu        sync.Mutex // guards the fields below
	wanted    time.Time  // the deadline that was set last
	current   time.Time  // the deadline of the inner connection
	writes    int        // in progress
	immediate bool       // pass deadlines on at once
}

func (c *trackedConn) Close() error {
	c.header.close()
	c.closed.Do(func() { c.listener.release(c.client) })
	return c.inner.Close()
}

// requestHeader returns the reservation for the header that the connection reads.
func (c *trackedConn) requestHeader() *headerReservation { return c.header }

// Read reads from the connection. After a refused header it always fails, since net/http may read
// again after an error in the middle of a line.
func (c *trackedConn) Read(p []byte) (int, error) {
	if c.header.refused {
		return 0, errHeaderRefused
	}
	n, err := c.inner.Read(p)
	if !c.header.charge(c.inner, n) {
		return 0, errHeaderRefused
	}
	return n, err
}

func (c *trackedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	_ = c.applyDeadline() // fails only when the connection is closed, and so does the write
	c.mu.Unlock()

	n, err := c.inner.Write(p)

	c.mu.Lock()
	c.writes--
	c.mu.Unlock()
	return n, err
}

// SetWriteDeadline sets the deadline of the write in progress, or else of the next one.
func (c *trackedConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted = t
	if c.writes == 0 && !c.immediate {
		return nil
	}
	return c.applyDeadline()
}

// SetDeadline is called by net/http when a handler hijacks the connection. The handler may write to
// the descriptor, so from now on every deadline is passed on at once.
func (c *trackedConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wanted, c.current, c.immediate = t, t, true
	return c.inner.SetDeadline(t)
}

// applyDeadline passes the deadline on. The caller holds c.mu.
func (c *trackedConn) applyDeadline() error {
	if c.wanted == c.current {
		return nil
	}
	c.current = c.wanted
	return c.inner.SetWriteDeadline(c.wanted)
}
