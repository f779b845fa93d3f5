package graphqlws

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	subprotocol = "graphql-transport-ws"
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
	if s.response.StatusCode != http.StatusSwitchingProtocols {
		t.fail("got %s to the handshake; want 101", s.response.Status)
	}
	return s
}

// handshake asks for a websocket. What the server answered is in the socket's response.
func (t *trial) handshake(lines ...string) *socket {
	s := &socket{trial: t}
	if t.err != nil {
		return s
	}
	var err error
	if s.conn, err = t.target.connect(t.ctx); err != nil {
		t.fail("%w", err)
		return s
	}
	t.sockets = append(t.sockets, s)
	key, in := newKey(), bufio.NewReader(s.conn)
	_ = s.conn.SetReadDeadline(time.Now().Add(t.target.patience()))
	s.write([]byte(t.request(key, lines)))
	if s.response, err = http.ReadResponse(in, nil); err != nil {
		t.fail("reading the answer to the handshake: %w", err)
		return s
	}
	if s.response.StatusCode != http.StatusSwitchingProtocols {
		return s
	}
	if got, want := s.response.Header.Get("Sec-WebSocket-Accept"), acceptOf(key); got != want {
		t.fail("got Sec-WebSocket-Accept %q; want %q", got, want)
	}
	s.listen(&wire{in: in})
	return s
}

func (t *trial) request(key string, lines []string) string {
	address, _ := url.Parse(t.target.URL) // there is a connection, so it could be parsed
	header := t.target.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		header.Add(name, value)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n", address.RequestURI(), address.Host)
	fmt.Fprintf(&text, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", key)
	_ = header.Write(&text) // never fails: the builder takes all
	text.WriteString("\r\n")
	return text.String()
}

func newKey() string {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails: crypto/rand ends the program first
	return base64.StdEncoding.EncodeToString(nonce[:])
}

func acceptOf(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}
