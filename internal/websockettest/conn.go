package websockettest

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Subprotocol is the one of GraphQL.
const Subprotocol = "graphql-transport-ws"

// Connect connects to the server of a URL of ws, http, wss or https.
func Connect(ctx context.Context, address string, timeout time.Duration) (net.Conn, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: timeout}
	switch u.Scheme {
	case "ws", "http":
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "80")))
	case "wss", "https":
		secured := tls.Dialer{NetDialer: dialer}
		return secured.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")))
	default:
		return nil, fmt.Errorf("%q is no address of a websocket: it has to begin with ws:// or wss://", address)
	}
}

// Request is the request for a websocket, as it goes over the connection. header may be nil.
func Request(address, key string, header http.Header) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	fmt.Fprintf(&text, "GET %s HTTP/1.1\r\nHost: %s\r\n", u.RequestURI(), u.Host)
	fmt.Fprintf(&text, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n", key)
	_ = header.Write(&text) // never fails: the builder takes all
	text.WriteString("\r\n")
	return text.String(), nil
}

// Conn is a client's end of a websocket. One goroutine may receive while others send.
type Conn struct {
	net.Conn
	// Response is the answer to the handshake. Only after status 101 there is a websocket.
	Response *http.Response

	in       *bufio.Reader
	parser   Parser
	received []received // what came with the message before
}

// received is a message or a control frame.
type received struct {
	opcode  byte
	payload []byte
}

// Handshake asks for a websocket. The address is for the request alone. An answer other than 101 is
// no error.
func Handshake(conn net.Conn, address string, header http.Header) (*Conn, error) {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails: crypto/rand ends the program first
	key := base64.StdEncoding.EncodeToString(nonce[:])
	request, err := Request(address, key, header)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return nil, fmt.Errorf("asking for a websocket: %w", err)
	}
	c, err := ReadAnswer(conn)
	if err != nil || c.Response.StatusCode != http.StatusSwitchingProtocols {
		return c, err
	}
	if got, want := c.Response.Header.Get("Sec-WebSocket-Accept"), accept(key); got != want {
		return c, fmt.Errorf("got Sec-WebSocket-Accept %q; want %q", got, want)
	}
	return c, nil
}

// accept is the server's answer to a key (RFC 6455, 4.2.2).
func accept(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// New takes a connection that is a websocket already. It has no Response.
func New(conn net.Conn) *Conn { return &Conn{Conn: conn, in: bufio.NewReader(conn)} }

// ReadAnswer reads the answer to a request for a websocket.
func ReadAnswer(conn net.Conn) (*Conn, error) {
	c := New(conn)
	var err error
	if c.Response, err = http.ReadResponse(c.in, nil); err != nil {
		return nil, fmt.Errorf("reading the answer to the handshake: %w", err)
	}
	return c, nil
}

// Send sends frames together.
func (c *Conn) Send(frames ...Frame) error {
	_, err := c.Write(Encode(frames...))
	return err
}

// Receive waits for the next message, whose fragments are joined, or control frame. At the end of
// the connection it returns io.EOF, within a frame io.ErrUnexpectedEOF.
func (c *Conn) Receive() (opcode byte, payload []byte, err error) {
	var chunk [4 << 10]byte
	for len(c.received) == 0 {
		n, err := c.in.Read(chunk[:])
		bad := c.parser.Take(chunk[:n], func(opcode byte, payload []byte) error {
			c.received = append(c.received, received{opcode, bytes.Clone(payload)})
			return nil
		})
		switch {
		case bad != nil:
			return 0, nil, bad
		case len(c.received) > 0: // what is wrong with the connection shows again
		case err == io.EOF && (c.parser.rest != nil || c.parser.within):
			return 0, nil, io.ErrUnexpectedEOF
		case err != nil:
			return 0, nil, err
		}
	}
	next := c.received[0]
	c.received = c.received[1:]
	return next.opcode, next.payload, nil
}
