package gqlws

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/fanout"
	"configapi/internal/budget"
	"configapi/internal/eventstream"
)

// Options of a [Transport]. The zero value gives the defaults.
type Options struct {
	// Init checks the payload of a client's connection_init (nil when there was none), and returns
	// what the client may do. Their context must be derived from the one that is given, which ends
	// with the socket. An error refuses the socket: a [*CloseError] with its code and reason, any
	// other with 4403 and without its text.
	//
	// When the context of the rights ends before the socket, because a token expired or was
	// revoked, the socket is closed in the same way, by the context's cause. What was queued for
	// operations is dropped, but for a frame that is being sent. nil: everybody is accepted.
	Init func(ctx context.Context, client eventstream.Client, payload map[string]any) (fanout.Rights, error)

	// OffsetArgument is the argument of subscriptions that says where a stream starts, and nothing
	// else. Subscriptions that differ in its variable alone share their work. "": there is none.
	OffsetArgument string

	// Shared returns the context of subscribers that share their work, given that of the first of
	// them. The others can outlive the first, so the context must not depend on its own rights.
	// nil: the context is used as it is.
	Shared func(context.Context) context.Context

	// MaxQueuedBytes is how much of its operations' messages a socket holds that the peer has not
	// taken yet. An operation with more to send waits. A single message may be larger, and then is
	// alone. Replies to the peer's own messages have as much again. 0: 1 MiB. It must not be
	// negative.
	MaxQueuedBytes int64

	// Budgets are shared with the other transports of a server. nil: budgets of its own.
	Budgets *bounds.Budgets

	// Log gets panics outside of resolvers, and sub-protocols that are refused. nil:
	// [slog.Default].
	Log *slog.Logger

	rules rules // for tests; 0 in a field: the constant below
}

// rules are the limits of a socket. Clients know them from the documentation.
type rules struct {
	initTimeout    time.Duration // until the client is acknowledged, Init included
	pingInterval   time.Duration // between two pings of the server
	silenceTimeout time.Duration // how long a peer may send nothing at all
	writeTimeout   time.Duration // how long the peer may take for each 64 KiB
	// drainTimeout is how long the peer's bytes are still read after a close frame was sent, so
	// that unread bytes do not make the kernel reset the connection under that frame.
	drainTimeout time.Duration

	maxMessageBytes int64 // of a message of the client, once it is acknowledged
	maxOperations   int   // of a socket at a time
}

const (
	initTimeout    = 5 * time.Second
	pingInterval   = 20 * time.Second
	silenceTimeout = 40 * time.Second
	writeTimeout   = 10 * time.Second
	drainTimeout   = time.Second

	maxOperations = 100
	// maxInitBytes is the largest message before the client is acknowledged.
	maxInitBytes = 64 << 10
	// maxIDBytes is the longest id of an operation.
	maxIDBytes = 128
)

func (o Options) withDefaults() Options {
	if o.MaxQueuedBytes < 0 {
		panic(fmt.Sprintf("gqlws: MaxQueuedBytes must not be negative: %d", o.MaxQueuedBytes))
	}
	o.MaxQueuedBytes = cmp.Or(o.MaxQueuedBytes, 1<<20)
	r := &o.rules
	r.initTimeout = cmp.Or(r.initTimeout, initTimeout)
	r.pingInterval = cmp.Or(r.pingInterval, pingInterval)
	r.silenceTimeout = cmp.Or(r.silenceTimeout, silenceTimeout)
	r.writeTimeout = cmp.Or(r.writeTimeout, writeTimeout)
	r.drainTimeout = cmp.Or(r.drainTimeout, drainTimeout)
	r.maxMessageBytes = cmp.Or(r.maxMessageBytes, budget.MaxBodyBytes)
	r.maxOperations = cmp.Or(r.maxOperations, maxOperations)
	if o.Budgets == nil {
		o.Budgets = bounds.NewBudgets(bounds.Options{})
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// initLimit returns how many bytes a message may have before the client is acknowledged.
func (r *rules) initLimit() int64 { return min(maxInitBytes, r.maxMessageBytes) }
