package transport

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"configapi/internal/budget"
	"configapi/internal/eventstream"
)

// HTTPOptions are the limits of [HTTP]. The zero value gives the defaults.
type HTTPOptions struct {
	// MaxBodyBytes is the largest body of a POST. Zero means 16 MiB, so that a value of 1 MiB fits
	// when every byte of it is escaped as \u0000.
	MaxBodyBytes int64

	// Room is what the transports of a server share. nil: one of its own.
	Room *Room
}

// maxInitBytes is the largest message on a websocket before it is acknowledged.
const maxInitBytes = 64 << 10

func (o HTTPOptions) withDefaults() HTTPOptions {
	o.MaxBodyBytes = cmp.Or(o.MaxBodyBytes, budget.MaxBodyBytes)
	if o.Room == nil {
		o.Room = NewRoom(RoomOptions{})
	}
	return o
}

// SSEOptions are the rules of [SSE]. The zero value gives the defaults.
type SSEOptions struct {
	// MaxBodyBytes is the largest body of a POST, as in [HTTPOptions].
	MaxBodyBytes int64

	// CommentInterval is the time between two comments on a stream. Zero means 15 s.
	CommentInterval time.Duration

	// Room is what the transports of a server share. nil: one of its own.
	Room *Room
}

func (o SSEOptions) withDefaults() SSEOptions {
	o.CommentInterval = cmp.Or(o.CommentInterval, eventstream.DefaultCommentInterval)
	if o.Room == nil {
		o.Room = NewRoom(RoomOptions{})
	}
	return o
}

// WebsocketOptions are the rules of [Websocket]. The zero value gives the defaults.
type WebsocketOptions struct {
	// Init judges the payload of connection_init (nil when there was none). The context it returns becomes the one of
	// all operations of the socket, and must be derived from the one it is given, which ends with the socket. An error refuses
	// the socket: a [*CloseError] with its code and reason, any other with 4403, its text unseen. When the context it returned
	// ends before the socket, because a token expired or was revoked, the socket is closed likewise, at once: by the
	// context's cause. Nil accepts everybody.
	Init func(ctx context.Context, payload map[string]any) (context.Context, error)

	// BeginArgument is the argument of subscriptions that says where a stream begins, and nothing else. Subscriptions that
	// differ in its variable alone share their work. Empty means that there is none.
	BeginArgument string

	// Rights names what the caller of an operation may see, given what Init has returned; only those whose rights are equal
	// share work. Nil means that all callers may see the same.
	Rights func(ctx context.Context) string

	// InitTimeout is how long a client may take until it is acknowledged, Init included. Zero means 5 s.
	InitTimeout time.Duration

	// PingInterval is the time between two pings of the server. Zero means 20 s.
	PingInterval time.Duration

	// SilenceTimeout is how long a peer may send nothing at all before the connection is dropped. Zero means 40 s.
	SilenceTimeout time.Duration

	// WriteTimeout is how long the peer may take for each 64 KiB before the connection is dropped. Zero means 10 s.
	WriteTimeout time.Duration

	// DrainTimeout is how long the peer's bytes are still read after a close frame was sent, so that unread bytes
	// do not make the kernel reset the connection under that frame. Zero means 1 s.
	DrainTimeout time.Duration

	// MaxMessageBytes is the largest message a client may send once it is acknowledged; before, it
	// is 64 KiB if that is less. Zero means 16 MiB, as for the bodies of [HTTP].
	MaxMessageBytes int64

	// MaxStreams is how many operations one socket may run at a time. Zero means 100.
	MaxStreams int

	// MaxQueuedBytes is how much of its streams' messages a socket holds that the peer has not taken yet; a stream with more to send
	// waits. A single message may be larger, and then is alone. Replies to the peer's own messages have as much again.
	// Zero means 1 MiB.
	MaxQueuedBytes int64

	// Room is what the transports of a server share. nil: one of its own.
	Room *Room

	// Log hears of panics outside of resolvers. Nil means [slog.Default].
	Log *slog.Logger
}

func (o WebsocketOptions) withDefaults() WebsocketOptions {
	o.InitTimeout = cmp.Or(o.InitTimeout, 5*time.Second)
	o.PingInterval = cmp.Or(o.PingInterval, 20*time.Second)
	o.SilenceTimeout = cmp.Or(o.SilenceTimeout, 40*time.Second)
	o.WriteTimeout = cmp.Or(o.WriteTimeout, 10*time.Second)
	o.DrainTimeout = cmp.Or(o.DrainTimeout, time.Second)
	o.MaxMessageBytes = cmp.Or(o.MaxMessageBytes, budget.MaxBodyBytes)
	o.MaxStreams = cmp.Or(o.MaxStreams, 100)
	o.MaxQueuedBytes = cmp.Or(o.MaxQueuedBytes, 1<<20)
	if o.Room == nil {
		o.Room = NewRoom(RoomOptions{})
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}
