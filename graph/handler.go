// Package graph is the GraphQL edge. It has no rule of its own: it turns operations into calls of the config store, and what
// the store answers into objects.
//
// The schema is schema.graphql at the top of the project. What gqlgen writes from it is in generated and model; all else here
// is written by hand, and a field without a resolver does not compile. Queries read at one position throughout; mutations
// answer with their own change; subscriptions are fed by the config store's streams.
//
// A document that asks for too much is refused before it is executed: see [Limits]. Errors that the schema has no type for have
// a stable extensions.code, and no text of ours: that is in the log, under the request's id.
package graph

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"configapi/graph/transport"
	"configapi/internal/configstore"
)

// Options of a [Handler]. Zero fields have the defaults named.
type Options struct {
	// CachedDocuments is how many parsed documents are kept. The largest take about 500 kB each. 0: 250.
	CachedDocuments int
	// Limits of documents.
	Limits Limits
	// Websocket are the limits of sockets.
	Websocket transport.WebsocketOptions
	// SSE are the rules of event streams.
	SSE transport.SSEOptions
	// Room is what bounds the bytes and the time of answers; the transports of the handler share
	// it.
	Room transport.RoomOptions
	// RequestID names the request of a context in answers to internal errors, whose text is in the log alone. nil: no name.
	RequestID func(context.Context) string
	// Log gets internal errors and panics. nil: nothing is logged.
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	o.CachedDocuments = cmp.Or(o.CachedDocuments, 250)
	o.Limits.setDefaults()
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "" }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Websocket.Log == nil {
		o.Websocket.Log = o.Log
	}
}

// Handler serves GraphQL over HTTP, websockets and server-sent events at one address.
type Handler struct {
	websocket *transport.Websocket
	sse       *transport.SSE
	http      *transport.HTTP
	executor  *executor
}

// NewHandler returns the GraphQL edge of a config store.
func NewHandler(store *configstore.Store, opts Options) *Handler {
	opts.setDefaults()
	show := presenter{opts.RequestID, opts.Log}

	root := &resolver{store}
	opts.Websocket.BeginArgument = "after"
	opts.Websocket.Rights = root.rights
	room := transport.NewRoom(opts.Room)
	opts.Websocket.Room, opts.SSE.Room = room, room
	h := &Handler{
		websocket: transport.NewWebsocket(opts.Websocket),
		sse:       transport.NewSSE(opts.SSE),
		http:      transport.NewHTTP(transport.HTTPOptions{Room: room}),
		executor:  newExecutor(root, opts.Limits, lru.New[*ast.QueryDocument](opts.CachedDocuments), show),
	}
	store.OnRebuild(h.closeStreams)
	return h
}

// ExecutableSchema returns the schema with the resolvers that a [Handler] has, for a server with other transports, such as
// the one that the bench compares with.
func ExecutableSchema(store *configstore.Store) graphql.ExecutableSchema {
	return executable(&resolver{store})
}

// ServeHTTP answers one request, or takes its connection over for a websocket.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.websocket.Supports(r):
		h.websocket.Do(w, r, h.executor)
	case h.sse.Supports(r):
		h.sse.Do(w, r, h.executor)
	default:
		h.http.Do(w, r, h.executor)
	}
}

// Shutdown closes all websockets with 1012 after what is queued for them, ends the subscriptions over server-sent events, and
// waits until everything that belongs to them has ended, or ctx has. The HTTP server does not know of sockets, and would wait for
// streams for ever.
func (h *Handler) Shutdown(ctx context.Context) error {
	var socketErr error
	var sockets sync.WaitGroup
	sockets.Go(func() { socketErr = h.websocket.Shutdown(ctx) })
	streamErr := h.sse.Shutdown(ctx)
	sockets.Wait()
	return errors.Join(socketErr, streamErr)
}

// Websockets counts the open ones, the operations on them, and the groups that share the work of subscriptions.
func (h *Handler) Websockets() (sockets, streams, groups int) { return h.websocket.Counts() }
