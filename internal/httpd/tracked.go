package httpd

import (
	"cmp"
	"crypto/tls"
	"net"
	"sync"
	"time"

	"configapi/internal/eventstream"
)

// trackedConn is a connection that counts until it is closed, whose header reserves memory, and
// that writes the headers of answers. net/http must write to it without a layer in between, unless
// that is TLS: then no lines are set, and what it carries is not HTTP.
type trackedConn struct {
	inner    net.Conn
	listener *listener
	client   eventstream.Client
	secured  bool // TLS is between net/http and the connection
	header   *headerReservation
	lines    []byte // header lines of the answer that is written next; nil: none

	reads, writes deadline

	mu      sync.Mutex // guards the following
	closed  bool
	onClose func() // nil: nothing
}

// trackedOf returns what is tracked of a connection that [listener.Accept] has returned, nil for
// any other. The connection may be below TLS.
func trackedOf(conn net.Conn) *trackedConn {
	if secured, is := conn.(*tls.Conn); is {
		conn = secured.NetConn()
	}
	if c, is := conn.(interface{ tracked() *trackedConn }); is {
		return c.tracked()
	}
	return nil
}

func (c *trackedConn) tracked() *trackedConn { return c }

func (c *trackedConn) Close() error {
	c.header.close()
	c.mu.Lock()
	first, then := !c.closed, c.onClose
	c.closed, c.onClose = true, nil
	c.mu.Unlock()
	if first {
		c.listener.release(c.client)
	}
	if then != nil {
		then()
	}
	return c.inner.Close()
}

// atClose has a function called when the connection is closed, or at once if it already is. A later
// call replaces the function.
func (c *trackedConn) atClose(then func()) {
	c.mu.Lock()
	closed := c.closed
	if !closed {
		c.onClose = then
	}
	c.mu.Unlock()
	if closed {
		then()
	}
}

// Read reads from the connection. After a refused header it always fails, since net/http may read
// again after an error in the middle of a line.
func (c *trackedConn) Read(p []byte) (int, error) {
	if c.header.refused {
		return 0, errHeaderRefused
	}
	if err := c.reads.begin(); err != nil {
		return 0, err
	}
	n, err := c.inner.Read(p)
	for c.reads.end(err) {
		n, err = c.inner.Read(p)
	}
	if !c.header.charge(c.inner, n) {
		return 0, errHeaderRefused
	}
	return n, err
}

// write writes to the connection itself.
func (c *trackedConn) write(p []byte) (n int, err error) {
	if err := c.writes.begin(); err != nil {
		return 0, err
	}
	n, err = c.inner.Write(p)
	for c.writes.end(err) {
		more := 0
		more, err = c.inner.Write(p[n:])
		n += more
	}
	return n, err
}

// SetReadDeadline sets the time at which reads fail.
func (c *trackedConn) SetReadDeadline(t time.Time) error { return c.reads.move(t) }

// SetWriteDeadline sets the time at which writes fail.
func (c *trackedConn) SetWriteDeadline(t time.Time) error { return c.writes.move(t) }

// SetDeadline sets both, and from then on the connection's own deadlines are those that are set.
// net/http calls it, and nothing else, when it hands the connection over: websockets write to its
// descriptor.
func (c *trackedConn) SetDeadline(t time.Time) error {
	return cmp.Or(c.reads.moveDirectly(t), c.writes.moveDirectly(t))
}

// track returns a connection that counts until it is closed. A TCP connection keeps all its
// methods, since websockets write to its descriptor.
func (l *listener) track(conn net.Conn, client eventstream.Client) net.Conn {
	tracked := &trackedConn{inner: conn, listener: l, client: client, header: newHeaderReservation(l.headers)}
	if tracked.secured = l.secured; l.secured {
		tracked.header.refusal = ""
	}
	tracked.reads.set, tracked.writes.set = conn.SetReadDeadline, conn.SetWriteDeadline
	if tcp, is := conn.(*net.TCPConn); is {
		return &tcpConn{tracked, ownTCP{tcp}}
	}
	return &otherConn{tracked, ownConn{conn}}
}

// tcpConn and otherConn have the methods of trackedConn, and those of the connection itself for the
// rest: Go prefers the less deeply embedded method.
type (
	tcpConn struct {
		*trackedConn
		ownTCP
	}
	otherConn struct {
		*trackedConn
		ownConn
	}
	ownTCP  struct{ *net.TCPConn }
	ownConn struct{ net.Conn }
)
