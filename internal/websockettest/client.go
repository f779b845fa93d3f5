package websockettest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// Client is a client of graphql-transport-ws. One goroutine may receive while others send.
type Client struct {
	conn     *Conn
	patience time.Duration
	sending  sync.Mutex // one write at a time
}

// Options are how a client connects. The zero value is good for most.
type Options struct {
	// Dial connects to the server. Nil: as [Connect] does.
	Dial func(context.Context) (net.Conn, error)
	// Header is sent with the handshake, besides the sub-protocol.
	Header http.Header
	// Init is the payload of connection_init, JSON. "": it has none.
	Init string
	// Patience is how long the server may take for the handshake, to send anything, and to take
	// what is sent. 0: as long as it likes.
	Patience time.Duration
}

// Open connects to the server at a URL, and returns when the server has acknowledged the
// connection.
func Open(ctx context.Context, address string, o Options) (*Client, error) {
	dial := o.Dial
	if dial == nil {
		dial = func(ctx context.Context) (net.Conn, error) { return Connect(ctx, address, o.Patience) }
	}
	conn, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	c := &Client{patience: o.Patience}
	if err := c.open(conn, address, o.Header.Clone(), o.Init); err != nil {
		conn.Close()
		return nil, errors.Join(context.Cause(ctx), err)
	}
	return c, nil
}

func (c *Client) open(conn net.Conn, address string, header http.Header, payload string) (err error) {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Sec-WebSocket-Protocol", Subprotocol)
	_ = conn.SetDeadline(c.deadline())
	if c.conn, err = Handshake(conn, address, header); err != nil {
		return err
	}
	if c.conn.Response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("got %s to the handshake; want 101", c.conn.Response.Status)
	}
	init := `{"type":"connection_init"}`
	if payload != "" {
		init = `{"type":"connection_init","payload":` + payload + `}`
	}
	if err := c.Send(init); err != nil {
		return err
	}
	m, err := c.Receive()
	if err == nil && m.Type != "connection_ack" {
		err = fmt.Errorf("got %s; want connection_ack", m.Text)
	}
	return err
}

func (c *Client) deadline() time.Time {
	if c.patience == 0 {
		return time.Time{}
	}
	return time.Now().Add(c.patience)
}

// Close cuts the connection. It may be called at any time, and more than once.
func (c *Client) Close() { _ = c.conn.Close() }

// NetConn is the connection itself, for tests of what the network has a part in.
func (c *Client) NetConn() net.Conn { return c.conn.Conn }

// Send sends a message of the protocol, which is JSON.
func (c *Client) Send(message string) error { return c.send(TextFrame(message)) }

func (c *Client) send(f Frame) error {
	c.sending.Lock()
	defer c.sending.Unlock()
	if err := c.conn.SetWriteDeadline(c.deadline()); err != nil {
		return err
	}
	return c.conn.Send(f)
}

// Subscribe starts an operation: a subscription, a query or a mutation. variables may be nil.
func (c *Client) Subscribe(id, query string, variables any) error {
	message, err := json.Marshal(map[string]any{
		"id": id, "type": "subscribe", "payload": map[string]any{"query": query, "variables": variables},
	})
	if err != nil {
		return err
	}
	return c.Send(string(message))
}

// Ping asks the server for a pong, which Receive returns.
func (c *Client) Ping() error { return c.Send(`{"type":"ping"}`) }

// Message is a message of the server.
type Message struct {
	ID      string
	Type    string
	Payload json.RawMessage

	Text string `json:"-"` // all of it
}

// CloseError is the end of a websocket.
type CloseError struct {
	// Code is that of the server's close frame: 1005 when it has none, and 1006 when the connection
	// ended without a close frame.
	Code   int
	Reason string
}

func (e *CloseError) Error() string { return fmt.Sprintf("closed with %d %q", e.Code, e.Reason) }

// Codes of RFC 6455 (7.4.1).
const (
	codeNone           = 1005
	codeAbnormal       = 1006
	CodeServiceRestart = 1012
)

// CloseCode is the code of a [*CloseError], 0 of any other error.
func CloseCode(err error) int {
	var closed *CloseError
	if errors.As(err, &closed) {
		return closed.Code
	}
	return 0
}

// Receive waits for the next message of the server. It answers pings of both kinds, and keeps them
// to itself. When the server closes the websocket, it does so too and returns a [*CloseError].
func (c *Client) Receive() (Message, error) {
	for {
		// A pipe takes no deadline once the server has closed it, but still ends with io.EOF.
		if err := c.conn.SetReadDeadline(c.deadline()); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return Message{}, err
		}
		opcode, payload, err := c.conn.Receive()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return Message{}, &CloseError{codeAbnormal, err.Error()}
		case err != nil:
			return Message{}, err
		case opcode == Text:
			m := Message{Text: string(payload)}
			if err := json.Unmarshal(payload, &m); err != nil {
				return Message{}, fmt.Errorf("got %.200q: %w", payload, err)
			}
			if m.Type != "ping" {
				return m, nil
			}
			err = c.Send(`{"type":"pong"}`)
		case opcode == Close:
			_ = c.send(Frame{First: Final | Close, Payload: string(payload)}) // may be cut
			return Message{}, closeError(payload)
		case opcode == Ping:
			err = c.send(Frame{First: Final | Pong, Payload: string(payload)})
		case opcode != Pong:
			err = fmt.Errorf("got a frame with opcode %d; want text", opcode)
		}
		if err != nil {
			return Message{}, err
		}
	}
}

func closeError(payload []byte) error {
	if len(payload) < 2 {
		return &CloseError{Code: codeNone}
	}
	return &CloseError{int(binary.BigEndian.Uint16(payload)), string(payload[2:])}
}
