package graphqlws

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"configapi/internal/websockettest"
)

const (
	subprotocol = websockettest.Subprotocol
	offer       = "Sec-WebSocket-Protocol: " + subprotocol
)

// trial is one run of a case. Its first error decides, and after it everything that the case still does is left out. So a case
// reads as what must happen, line by line.
type trial struct {
	ctx     context.Context
	cancel  context.CancelFunc
	target  Target
	err     error
	sockets []*socket
}

func newTrial(ctx context.Context, target Target) *trial {
	ctx, cancel := context.WithCancel(ctx)
	return &trial{ctx: ctx, cancel: cancel, target: target}
}

func (t *trial) fail(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// end cuts all connections, and waits until nobody reads from them.
func (t *trial) end() {
	t.cancel()
	for _, s := range t.sockets {
		_ = s.conn.Close()
		s.running.Wait()
	}
}

// open opens a socket and has it acknowledged.
func (t *trial) open() *socket {
	s := t.dial(offer)
	s.init()
	return s
}

// dial opens a socket. The header lines are sent besides those of every handshake.
func (t *trial) dial(lines ...string) *socket {
	s := t.handshake(lines...)
	if t.err != nil {
		return s
	}
	if s.conn.Response.StatusCode != http.StatusSwitchingProtocols {
		t.fail("got %s to the handshake; want 101", s.conn.Response.Status)
	}
	return s
}

// handshake asks for a websocket. What the server answered is in the response of the connection.
func (t *trial) handshake(lines ...string) *socket {
	s := &socket{trial: t}
	if t.err != nil {
		return s
	}
	conn, err := t.target.connect(t.ctx)
	if err != nil {
		t.fail("%w", err)
		return s
	}
	_ = conn.SetDeadline(time.Now().Add(t.target.patience()))
	if s.conn, err = websockettest.Handshake(conn, t.target.URL, t.header(lines)); err != nil {
		t.fail("%w", err)
	}
	if s.conn == nil {
		_ = conn.Close()
		return s
	}
	t.sockets = append(t.sockets, s)
	if s.conn.Response.StatusCode == http.StatusSwitchingProtocols {
		s.listen()
	}
	return s
}

func (t *trial) header(lines []string) http.Header {
	header := t.target.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		header.Add(name, value)
	}
	return header
}
