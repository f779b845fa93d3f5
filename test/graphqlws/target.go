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

// Target is a server and what the cases must know about it. A rule that needs a field which is zero
// does not apply.
type Target struct {
	// URL is the address of websockets: ws, wss, http or https.
	URL string

	// Dial connects to the server. nil: by TCP, with TLS for wss and https.
	Dial func(ctx context.Context) (net.Conn, error)

	// Header is sent with each handshake.
	Header http.Header

	// Init is a payload of connection_init that the server acknowledges. nil: it acknowledges any,
	// also none.
	Init json.RawMessage

	// RefusedInit is a payload of connection_init that the server refuses.
	RefusedInit json.RawMessage

	// Documents, each with one anonymous operation. They may be sent any number of times and
	// concurrently.

	Query        string // a query that succeeds
	SlowQuery    string // a query that runs longer than its case; best until the client ends it
	Mutation     string // a mutation that succeeds
	Subscription string // has at least three messages within Patience, and never ends
	Trigger      string // a mutation after which Subscription has a message; "": not needed
	Finite       string // a subscription that has messages and then completes
	Failing      string // a subscription that ends with an error, after any number of messages
	// an operation with 16 MiB of results, more than the buffers of the network hold
	Flood string

	// Limits of the server. The protocol leaves them open.

	InitTimeout     time.Duration // from the handshake to connection_init
	PingInterval    time.Duration // between two pings of the server
	SilenceTimeout  time.Duration // until a client that sends nothing is dropped
	WriteTimeout    time.Duration // until a client that reads nothing is dropped
	MaxMessageBytes int           // of a client's message
	MaxInitBytes    int           // of a message before connection_ack, if less
	MaxIDBytes      int           // of an operation's id
	MaxStreams      int           // concurrent operations of one socket
	ForeignOrigin   string        // an origin whose pages must not open sockets
	NoCompression   bool          // frames are never compressed, even if the client offers it

	// Patience is how long the server may take for an answer, and how much later than its limits it
	// may act. 0: 5 s.
	Patience time.Duration
}

// Reach connects to the server, and returns an error if it cannot.
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
