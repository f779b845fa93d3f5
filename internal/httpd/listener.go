package httpd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"configapi/internal/budget"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

const (
	// refusalTime is how long a refused connection is kept until its client has read why.
	refusalTime = time.Second
	// refusalsAtOnce is how many are kept so. Further ones are closed at once, and may lose the
	// answer.
	refusalsAtOnce = 64
	// refusalLogTime is the shortest time between two lines of the log about refused connections.
	refusalLogTime = 10 * time.Second
	// acceptPause and maxAcceptPause bound how long the listener waits after an error.
	acceptPause, maxAcceptPause = 5 * time.Millisecond, time.Second
)

// listener accepts connections up to a number, altogether and for one address, and refuses others
// with an answer. No error ends it but that it was closed: the usual ones, such as a lack of
// descriptors or a firewall's word, pass.
type listener struct {
	net.Listener
	limit     *eventstream.Limit
	headers   *budget.Budget
	maxHeader int
	log       *slog.Logger
	metrics   *Metrics
	refusals  chan struct{} // a place for each refused connection that is kept
	closed    chan struct{}
	closing   sync.Once

	mu       sync.Mutex // guards the following
	unlogged int        // refused connections that the log does not show yet
	logged   time.Time
}

// limit returns a listener of at most so many connections, and at most so many of one address, if
// that is not 0. Loopback addresses have the first limit alone.
func limit(inner net.Listener, opts Options) *listener {
	return &listener{
		Listener: inner, limit: eventstream.NewLimit(opts.MaxConnections, opts.MaxConnectionsPerAddress),
		headers: opts.Headers, maxHeader: opts.MaxHeaderBytes, log: opts.Log, metrics: opts.Metrics,
		refusals: make(chan struct{}, refusalsAtOnce), closed: make(chan struct{}),
	}
}

// Accept returns the next connection that is within the limits.
func (l *listener) Accept() (net.Conn, error) {
	pause := time.Duration(0)
	for {
		conn, err := l.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			pause = min(max(2*pause, acceptPause), maxAcceptPause)
			l.log.Warn("accepting a connection failed; trying again", "error", err, "pause", pause)
			if !l.wait(pause) {
				return nil, net.ErrClosed
			}
			continue
		}
		pause = 0
		client := eventstream.ClientOf(conn.RemoteAddr().String())
		why, ok := l.enter(client)
		if ok {
			return l.track(conn, client), nil
		}
		l.refuse(conn, why)
	}
}

// wait reports whether the listener is open after the pause.
func (l *listener) wait(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-l.closed:
		return false
	}
}

// Close ends Accept. It may be called several times.
func (l *listener) Close() error {
	l.closing.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// enter counts a connection, or says which limit keeps it out.
func (l *listener) enter(client eventstream.Client) (why refusal, ok bool) {
	switch err := l.limit.Open(client); err {
	case nil:
		l.metrics.connections.Inc()
		return 0, true
	case eventstream.ErrTooManyOfAddress:
		return refusedAddress, false
	default:
		return refusedConnections, false
	}
}

func (l *listener) leave(client eventstream.Client) {
	l.limit.Close(client)
	l.metrics.connections.Dec()
}

// track returns a connection that counts until it is closed. One of TCP stays one with all its
// methods: websockets write to its descriptor.
func (l *listener) track(conn net.Conn, client eventstream.Client) net.Conn {
	tracked := &trackedConn{inner: conn, place: &place{listener: l, client: client, header: openHead(l.headers, l.maxHeader)}}
	if tcp, is := conn.(*net.TCPConn); is {
		return &tcpConn{tracked, ownTCP{tcp}}
	}
	return &otherConn{tracked, ownConn{conn}}
}

// tcpConn and otherConn have the methods of the connection itself where trackedConn has none, since
// those are one struct further in.
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

// place is what an open connection takes up.
type place struct {
	listener *listener
	client   eventstream.Client
	header   *head
	once     sync.Once
}

func (p *place) leave() {
	p.header.close()
	p.once.Do(func() { p.listener.leave(p.client) })
}

// read reads from the connection. net/http tries again after an error in the middle of a line, so
// that a header is refused once and for all.
func (p *place) read(conn net.Conn, into []byte) (int, error) {
	if p.header.refused {
		return 0, errHeaderRefused
	}
	n, err := conn.Read(into)
	if !p.header.charge(conn, n) {
		return 0, errHeaderRefused
	}
	return n, err
}

// refuse answers with 503 and closes the connection. An answer that is sent into a closed
// connection is lost, so a few are kept until their clients have sent what they had to send.
func (l *listener) refuse(conn net.Conn, why refusal) {
	l.metrics.refused(why)
	l.logRefusal(conn, why)
	select {
	case l.refusals <- struct{}{}:
	default:
		if tcp, is := conn.(*net.TCPConn); is { // so short a text does not wait for the client
			_ = tcp.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, _ = io.WriteString(tcp, refusalTexts[why])
		}
		_ = conn.Close()
		return
	}
	go func() {
		defer func() { <-l.refusals }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(refusalTime)) // fails only on a connection that is gone
		if _, err := io.WriteString(conn, refusalTexts[why]); err != nil {
			return
		}
		if half, is := conn.(interface{ CloseWrite() error }); is {
			_ = half.CloseWrite()
			_, _ = io.CopyN(io.Discard, conn, progressBytes)
		}
	}()
}

// refusalTexts are the whole answers to connections over a limit.
var refusalTexts = map[refusal]string{
	refusedConnections: refusalText("this server has as many connections as it may have (--max-connections); try again later"),
	refusedAddress:     refusalText("your address has as many connections to this server as it may have (--max-connections-per-address); close some, or try again later"),
}

func refusalText(detail string) string {
	body := problem.Problem{Kind: fault.Unavailable, Detail: detail}.JSON()
	return fmt.Sprintf("HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n"+
		"Retry-After: 1\r\nConnection: close\r\n\r\n%s", len(body), body)
}

// logRefusal writes at most one line in refusalLogTime, so that clients cannot fill the log.
func (l *listener) logRefusal(conn net.Conn, why refusal) {
	l.mu.Lock()
	l.unlogged++
	count, now := l.unlogged, time.Now()
	if now.Sub(l.logged) < refusalLogTime {
		l.mu.Unlock()
		return
	}
	l.unlogged, l.logged = 0, now
	l.mu.Unlock()
	l.log.LogAttrs(context.Background(), slog.LevelWarn, "connections were refused: there are as many as there may be",
		slog.String("limit", refusalNames[why]), slog.Int("refused_since_last_line", count), slog.String("remote", conn.RemoteAddr().String()))
}
