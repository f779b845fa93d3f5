package httpd

import (
	"net"
	"sync"
	"time"
)

// trackedConn is a connection that counts until it is closed.
//
// It sets the deadline for writes when one begins that is to have it. net/http takes the deadline
// off after each answer; so the next answer can ask for the same one, which the connection still
// has, and no timer of the runtime is changed. See BenchmarkServer.
type trackedConn struct {
	inner net.Conn
	place *place

	mu     sync.Mutex // guards the following
	asked  time.Time  // what the deadline should be
	actual time.Time  // what the connection has
	writes int        // under way
	prompt bool       // the deadline is set at once
}

func (c *trackedConn) Close() error {
	defer c.place.leave()
	return c.inner.Close()
}

// head returns the room of the header that the connection is reading.
func (c *trackedConn) head() *head { return c.place.header }

func (c *trackedConn) Read(p []byte) (int, error) { return c.place.read(c.inner, p) }

func (c *trackedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	c.writes++
	_ = c.setAsked() // fails on a connection that is gone, as the write then does
	c.mu.Unlock()

	n, err := c.inner.Write(p)

	c.mu.Lock()
	c.writes--
	c.mu.Unlock()
	return n, err
}

// SetWriteDeadline ends a write that is under way, or else the next one.
func (c *trackedConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = t
	if c.writes == 0 && !c.prompt {
		return nil
	}
	return c.setAsked()
}

// SetDeadline is what net/http calls when it hands the connection over to a handler, which may write
// in ways that are not seen here. From then on every deadline is set at once.
func (c *trackedConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked, c.actual, c.prompt = t, t, true
	return c.inner.SetDeadline(t)
}

// setAsked needs c.mu.
func (c *trackedConn) setAsked() error {
	if c.asked == c.actual {
		return nil
	}
	c.actual = c.asked
	return c.inner.SetWriteDeadline(c.asked)
}
