package httpd

import (
	"context"
	"errors"
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
	// refusalTime is how long a refused connection stays open for its client to read the answer.
	refusalTime = time.Second
	// refusalsAtOnce is how many refused connections stay open. Further ones are closed at once;
	// their clients may not see the answer.
	refusalsAtOnce = 64
	// refusalLogTime is the shortest time between two log lines about refused connections.
	refusalLogTime = 10 * time.Second
	// acceptPause and maxAcceptPause are the bounds of the pause after an error of Accept.
	acceptPause, maxAcceptPause = 5 * time.Millisecond, time.Second
)

// listener accepts connections up to a total and a limit per address, and refuses others with an
// answer. Errors of Accept, such as a lack of descriptors, do not end it; only Close does.
type listener struct {
	net.Listener
	limit    *eventstream.Limit
	proxies  *Proxies
	secured  bool // by TLS, whose bytes the connections carry
	headers  *budget.Budget
	log      *slog.Logger
	metrics  *Metrics
	refusals chan struct{} // semaphore of refused connections that stay open
	closed   chan struct{}
	closing  sync.Once
	lines    rareLines // about refused connections
}

// limit returns a listener with the limits of the options. Loopback addresses and proxies have no
// limit per address.
func limit(inner net.Listener, opts Options) *listener {
	return &listener{
		Listener: inner, limit: eventstream.NewLimit(opts.MaxConnections, opts.MaxConnectionsPerAddress),
		proxies: opts.Proxies, headers: opts.Headers, log: opts.Log, metrics: opts.Metrics,
		refusals: make(chan struct{}, refusalsAtOnce), closed: make(chan struct{}),
	}
}

// Accept returns the next connection within the limits.
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
		client := l.clientOf(conn)
		why, ok := l.acquire(client)
		if ok {
			return l.track(conn, client), nil
		}
		l.refuse(conn, why)
	}
}

// clientOf returns the client for which a connection counts. That of a proxy counts only in the
// total: see [Server.admitClient].
func (l *listener) clientOf(conn net.Conn) eventstream.Client {
	if remote := conn.RemoteAddr().String(); !l.proxies.isProxy(remote) {
		return eventstream.ClientOf(remote)
	}
	return eventstream.Client{}
}

// wait waits for the pause and reports whether the listener is still open.
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

// acquire counts a connection, or returns the limit that it exceeds.
func (l *listener) acquire(client eventstream.Client) (why refusal, ok bool) {
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

func (l *listener) release(client eventstream.Client) {
	l.limit.Close(client)
	l.metrics.connections.Dec()
}

// refuse answers with 503, or with an alert of TLS, and closes the connection. A client may not see
// an answer if the connection is closed while it still sends, so up to refusalsAtOnce connections
// are drained first.
func (l *listener) refuse(conn net.Conn, why refusal) {
	l.metrics.refused(why)
	l.logRefusal(conn, why)
	text := refusalTexts[why]
	if l.secured {
		text = handshakeAlert
	}
	select {
	case l.refusals <- struct{}{}:
	default:
		if tcp, is := conn.(*net.TCPConn); is { // so short a text fits into the send buffer
			_ = tcp.SetWriteDeadline(time.Now().Add(time.Millisecond))
			_, _ = io.WriteString(tcp, text)
		}
		_ = conn.Close()
		return
	}
	go func() {
		defer func() { <-l.refusals }()
		defer conn.Close()
		// fails only when the connection is closed
		_ = conn.SetDeadline(time.Now().Add(refusalTime))
		if _, err := io.WriteString(conn, text); err != nil {
			return
		}
		if half, is := conn.(interface{ CloseWrite() error }); is {
			_ = half.CloseWrite()
			_, _ = io.CopyN(io.Discard, conn, progressBytes)
		}
	}()
}

// refusalTexts are the answers to connections over a limit.
var refusalTexts = map[refusal]string{
	refusedConnections: refusalText("this server has as many connections as it may have (--max-connections); try again later"),
	refusedAddress:     refusalText(tooManyOfAddress),
}

const tooManyOfAddress = "your address has as many connections to this server as it may have (--max-connections-per-address); close some, or try again later"

func refusalText(detail string) string {
	return problem.Problem{Kind: fault.Unavailable, Detail: detail}.Response()
}

// logRefusal writes at most one line per refusalLogTime, so that clients cannot fill the log.
func (l *listener) logRefusal(conn net.Conn, why refusal) {
	count, due := l.lines.count()
	if !due {
		return
	}
	l.log.LogAttrs(context.Background(), slog.LevelWarn, "connections were refused, since a limit is reached; see --max-connections and --max-connections-per-address",
		slog.String("limit", refusalNames[why]), slog.Int("refused_since_last_line", count), slog.String("remote", conn.RemoteAddr().String()))
}

// rareLines bounds the log lines about something that anyone can cause: there is one per
// refusalLogTime at most. It is safe for concurrent use, and its zero value is ready to use.
type rareLines struct {
	mu       sync.Mutex // guards the fields below
	unlogged int        // since the last line
	logged   time.Time
}

// count counts one more, and reports whether a line is due. That line is about since, which is how
// many there were since the last one.
func (l *rareLines) count() (since int, due bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unlogged++
	now := time.Now()
	if now.Sub(l.logged) < refusalLogTime {
		return 0, false
	}
	since = l.unlogged
	l.unlogged, l.logged = 0, now
	return since, true
}
