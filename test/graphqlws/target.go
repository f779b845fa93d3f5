package graphqlws

import (
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"configapi/internal/websockettest"
)

// Target is a server, and what the cases must know of it. A rule that needs a field which is zero does not apply to the server,
// and the result says so.
type Target struct {
	// URL is where the server takes websockets: ws, wss, http or https.
	URL string

	// Dial connects to the server. Nil: over TCP, and TLS when the URL is one of wss or https.
	Dial func(ctx context.Context) (net.Conn, error)

	// Header is sent with each handshake.
	Header http.Header

	// Init is the payload of connection_init that the server acknowledges. Nil: the server acknowledges all of them,
	// also those without a payload.
	Init json.RawMessage

	// RefusedInit is a payload of connection_init that the server refuses.
	RefusedInit json.RawMessage

	// Documents, each with one operation that has no name. They may be sent any number of times, and several at a time.

	Query        string // a query that succeeds
	SlowQuery    string // a query that takes longer than all else in its case; one that ends with its client only is best
	Mutation     string // a mutation that succeeds
	Subscription string // has messages, at least three in the time of Patience, and never ends
	Trigger      string // a mutation that makes Subscription have a message; empty: it has them by itself
	Finite       string // a subscription that has messages and then ends by itself
	Failing      string // a subscription that ends with an error, with or without messages before it
	Flood        string // any operation that has 16 MiB to send at once, more than the buffers on the way hold

	// Limits of the server. They differ between servers, and the protocol does not say what they should be.

	InitTimeout     time.Duration // from the handshake until connection_init must have come
	PingInterval    time.Duration // between two pings of the server
	SilenceTimeout  time.Duration // until a client that sends nothing is dropped
	WriteTimeout    time.Duration // until a client that takes nothing is dropped
	MaxMessageBytes int           // of one message of a client
	MaxInitBytes    int           // of a message before connection_ack, when that is less
	MaxIDBytes      int           // of the id of an operation
	MaxStreams      int           // operations that run at a time on one socket
	ForeignOrigin   string        // an origin whose pages must not open sockets
	NoCompression   bool          // frames are never compressed, also when the client could read them

	// Patience is how long the server may take for an answer, and how much later than its limits say it may act. 0: 5 s.
	Patience time.Duration
}

// Reach connects, and returns an error when there is no server to try.
func (t Target) Reach(ctx context.Context) error {
	conn, err := t.connect(ctx)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (t Target) connect(ctx context.Context) (net.Conn, error) {
	if t.Dial != nil {
		return t.Dial(ctx)
	}
	return websockettest.Connect(ctx, t.URL, t.patience())
}

func (t Target) patience() time.Duration { return cmp.Or(t.Patience, 5*time.Second) }
