package httpd

import (
	"net"
	"sync"
	"time"
)

// trackedConn is a connection that counts until it is closed. It sets its deadlines when a read or
// a write begins that they are for. net/http asks for eight of them a request, each of which would
// change a timer of the runtime, and most are replaced before anything is read or written. It
// saves a small answer 2 % of its time: see BenchmarkServer.
type trackedConn struct {
	inner         net.Conn
	place         *place
	reads, writes deadline
}

func newTrackedConn(inner net.Conn, place *place) *trackedConn {
	return &trackedConn{
		inner: inner, place: place,
		reads: deadline{set: inner.SetReadDeadline}, writes: deadline{set: inner.SetWriteDeadline},
	}
}

func (c *trackedConn) Read(p []byte) (int, error) {
	c.reads.begin()
	defer c.reads.end()
	return c.inner.Read(p)
}

func (c *trackedConn) Write(p []byte) (int, error) {
	c.writes.begin()
	defer c.writes.end()
	return c.inner.Write(p)
}

func (c *trackedConn) Close() error {
	defer c.place.leave()
	return c.inner.Close()
}

func (c *trackedConn) SetReadDeadline(t time.Time) error  { return c.reads.ask(t) }
func (c *trackedConn) SetWriteDeadline(t time.Time) error { return c.writes.ask(t) }

// SetDeadline is what net/http calls when it hands the connection over to a handler, which may read
// and write in ways that are not seen here. From then on every deadline is set at once.
func (c *trackedConn) SetDeadline(t time.Time) error {
	if err := c.reads.askFromNowOn(t); err != nil {
		return err
	}
	return c.writes.askFromNowOn(t)
}

// deadline is that of the reads or of the writes of a connection.
type deadline struct {
	set func(time.Time) error // sets it on the connection itself

	mu     sync.Mutex // guards the following
	asked  time.Time  // what it should be
	actual time.Time  // what the connection has
	calls  int        // reads or writes under way
	prompt bool       // it is set at once
}

// ask sets the deadline, at the latest when the next call begins.
func (d *deadline) ask(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = t
	if d.calls == 0 && !d.prompt {
		return nil
	}
	return d.apply()
}

func (d *deadline) askFromNowOn(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked, d.prompt = t, true
	return d.apply()
}

// begin must be called before each read or write, and end after it.
func (d *deadline) begin() {
	d.mu.Lock()
	d.calls++
	_ = d.apply() // fails on a connection that is gone, as the call then does
	d.mu.Unlock()
}

func (d *deadline) end() {
	d.mu.Lock()
	d.calls--
	d.mu.Unlock()
}

// apply needs d.mu.
func (d *deadline) apply() error {
	if d.asked == d.actual {
		return nil
	}
	d.actual = d.asked
	return d.set(d.asked)
}
