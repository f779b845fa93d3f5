package gqlws

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/99designs/gqlgen/graphql/handler"

	"configapi/graph/transport/gqlhttp"
	"configapi/graph/transport/transporttest"
	"configapi/internal/websockettest"
)

// Opcodes of frames.
const (
	opContinuation = websockettest.Continuation
	opText         = websockettest.Text
	opBinary       = websockettest.Binary
	opClose        = websockettest.Close
	opPing         = websockettest.Ping
	opPong         = websockettest.Pong
)

// fixture is a websocket transport with its schema and handler, inside of a bubble of synctest: all
// time-outs have their real defaults and take no time, and a goroutine that outlives the test fails
// it.
type fixture struct {
	schema    *transporttest.Schema
	transport *Transport
	handler   *handler.Server
	writes    atomic.Int64 // how often a server wrote to its connection
}

func newFixture(options Options) *fixture {
	schema, transport := transporttest.NewSchema(), New(options)
	return &fixture{schema: schema, transport: transport, handler: schema.Handler(transport, gqlhttp.New(gqlhttp.Options{}))}
}

// bubble runs the test with a transport of these options, and checks at its end that nothing of any
// socket is left.
func bubble(t *testing.T, options Options, test func(t *testing.T, f *fixture)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(options)
		test(t, f)
		if err := f.transport.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		f.wantNoSockets(t)
	})
}

func (f *fixture) wantNoSockets(t *testing.T) {
	t.Helper()
	synctest.Wait()
	transporttest.WantEmpty(t, f.transport.options.Budgets)
	f.transport.mu.Lock()
	defer f.transport.mu.Unlock()
	if f.transport.entered != 0 || len(f.transport.sockets) != 0 {
		t.Errorf("%d sockets are left", f.transport.entered)
	}
}

// peer is a client that speaks in raw frames.
type peer struct {
	t      *testing.T
	conn   *pacedConn
	socket *websockettest.Conn
}

// pacedConn is a connection that is read from by way of another reader.
type pacedConn struct {
	net.Conn
	reader io.Reader
}

func (c *pacedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// dial opens a socket over a connection without any buffer: what the peer does not read, the server
// cannot write.
func (f *fixture) dial(t *testing.T, headers ...string) *peer {
	t.Helper()
	client, server := net.Pipe()
	t.Cleanup(func() { client.Close() })
	r := handshakeRequest(headers...)
	ctx, handlerReturned := context.WithCancel(r.Context())
	go func() {
		defer handlerReturned() // as net/http does
		w := &hijackable{ResponseWriter: httptest.NewRecorder(), conn: &countingConn{Conn: server, writes: &f.writes}}
		f.handler.ServeHTTP(w, r.WithContext(ctx))
	}()
	return newPeer(t, client)
}

func handshakeRequest(headers ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "http://config.test/graphql", nil)
	for _, line := range append([]string{
		"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
		"Sec-WebSocket-Extensions: permessage-deflate",
	}, headers...) {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Add(name, value)
	}
	return r
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	t.Helper()
	p := &peer{t: t, conn: &pacedConn{conn, conn}}
	var err error
	if p.socket, err = websockettest.ReadAnswer(p.conn); err != nil {
		t.Fatal(err)
	}
	response := p.socket.Response
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %s, want 101", response.Status)
	}
	if got := response.Header.Get("Sec-Websocket-Extensions"); got != "" {
		t.Errorf("got extensions %q, want none: no compression", got)
	}
	return p
}

const offer = "Sec-WebSocket-Protocol: graphql-transport-ws"

// open dials and has the socket acknowledged.
func (f *fixture) open(t *testing.T) *peer {
	t.Helper()
	p := f.dial(t, offer)
	p.send(`{"type":"connection_init"}`)
	p.want(`{"type":"connection_ack"}`)
	return p
}

func (p *peer) send(text string) { p.t.Helper(); p.sendFrame(opText, text) }

func (p *peer) sendFrame(opcode byte, payload string) {
	p.t.Helper()
	p.sendRaw(maskedFrame(finalBit|opcode, payload))
}

func (p *peer) sendRaw(raw string) {
	p.t.Helper()
	if _, err := io.WriteString(p.conn, raw); err != nil {
		p.t.Fatalf("sending: %v", err)
	}
}

func maskedFrame(first byte, payload string) string {
	return string(websockettest.Encode(websockettest.Frame{First: first, Payload: payload}))
}

// receive reads one message or control frame.
func (p *peer) receive() (opcode byte, payload string, err error) {
	opcode, message, err := p.socket.Receive()
	return opcode, string(message), err
}

// want reads one frame, which must be this text.
func (p *peer) want(text string) {
	p.t.Helper()
	opcode, payload, err := p.receive()
	if err != nil || opcode != opText || payload != text {
		p.t.Fatalf("got opcode %d, %.500q, %v; want %q", opcode, payload, err, text)
	}
}

// wantLike reads one text frame and returns it; it must contain all these parts.
func (p *peer) wantLike(parts ...string) string {
	p.t.Helper()
	opcode, payload, err := p.receive()
	if err != nil || opcode != opText {
		p.t.Fatalf("got opcode %d, %.500q, %v; want text", opcode, payload, err)
	}
	for _, part := range parts {
		if !strings.Contains(payload, part) {
			p.t.Fatalf("got %.500s, want %s in it", payload, part)
		}
	}
	return payload
}

// wantClose reads a close frame with this code and a reason that contains says, and nothing after
// it.
func (p *peer) wantClose(code int, says string) {
	p.t.Helper()
	opcode, payload, err := p.receive()
	if err != nil || opcode != opClose || len(payload) < 2 {
		p.t.Fatalf("got opcode %d, %.500q, %v; want close with %d", opcode, payload, err, code)
	}
	if got := int(binary.BigEndian.Uint16([]byte(payload))); got != code || !strings.Contains(payload[2:], says) || len(payload) > 125 {
		p.t.Fatalf("got close with %d %q, want %d %q", got, payload[2:], code, says)
	}
	p.wantEnd()
}

// wantEnd sees to it that the server has nothing more to say.
func (p *peer) wantEnd() {
	p.t.Helper()
	if opcode, payload, err := p.receive(); err == nil {
		p.t.Fatalf("got opcode %d, %.500q after the end", opcode, payload)
	}
}

// hijackable is a response writer whose connection can be taken over.
type hijackable struct {
	http.ResponseWriter
	conn net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}
