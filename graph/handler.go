package graph

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/fanout"
	"configapi/graph/transport/gqlhttp"
	"configapi/graph/transport/gqlsse"
	"configapi/graph/transport/gqlws"
	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/auth"
	"configapi/internal/configstore"
)

// Options of a [Handler]. Zero fields have the defaults named.
type Options struct {
	// Websocket are the limits of sockets.
	Websocket gqlws.Options
	// Budgets bound the memory and the time of answers. The transports of the handler share them.
	Budgets bounds.Options
	// Introspection says which callers may read the schema. Zero: those with a token, and all on an
	// open server.
	Introspection Introspection
	// RequestID returns the id of a context's request, "" for none. Answers to internal errors show
	// it, since the text of such an error is in the log alone. nil: no request has an id.
	RequestID func(context.Context) string
	// Attempts counts tokens of websockets that were refused. nil: they are answered at once,
	// however many come.
	Attempts *attempts.Attempts
	// Refused is called for each caller of a websocket that is refused, before the answer is
	// delayed, and for each operation whose caller lacks a right. nil: nothing is called.
	Refused func(context.Context, audit.Refusal)
	// Log gets internal errors, panics, and failures that may be tried again. nil: nothing is
	// logged.
	Log *slog.Logger
}

func (o *Options) setDefaults() {
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "" }
	}
	if o.Refused == nil {
		o.Refused = func(context.Context, audit.Refusal) {}
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
	websocket *gqlws.Transport
	sse       *gqlsse.Transport
	http      *gqlhttp.Transport
	executor  *executor
}

// NewHandler returns the GraphQL edge of a config store.
func NewHandler(store *configstore.Store, opts Options) *Handler {
	opts.setDefaults()
	root := &resolver{store, opts.Refused}
	opts.Websocket.OffsetArgument, opts.Websocket.Shared = "after", root.shared
	opts.Websocket.Init = authenticateSocket(store, opts)
	budgets := bounds.NewBudgets(opts.Budgets)
	opts.Websocket.Budgets = budgets
	h := &Handler{
		websocket: gqlws.New(opts.Websocket),
		sse:       gqlsse.New(gqlsse.Options{Budgets: budgets, Rights: root.rights}),
		http:      gqlhttp.New(gqlhttp.Options{Budgets: budgets}),
		executor:  newExecutor(root, opts.Introspection, presenter{opts.RequestID, root.denied, opts.Log}),
	}
	store.OnRebuild(h.endSubscriptions)
	return h
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

// Shutdown closes all websockets with the code 1012 after what is queued for them, and ends the
// subscriptions over server-sent events. It waits until everything that belongs to them has ended,
// or ctx has. It must be called before the HTTP server's own Shutdown or beside it: the server does
// not know of websockets, and would wait for event streams for ever.
func (h *Handler) Shutdown(ctx context.Context) error {
	var socketErr error
	var sockets sync.WaitGroup
	sockets.Go(func() { socketErr = h.websocket.Shutdown(ctx) })
	streamErr := h.sse.Shutdown(ctx)
	sockets.Wait()
	return errors.Join(socketErr, streamErr)
}

// Websockets returns how many are open, how many operations run on them, and how many groups of
// subscribers share the work of subscriptions.
func (h *Handler) Websockets() (sockets, operations, groups int) { return h.websocket.Counts() }

// endSubscriptions ends all subscriptions, because what they have sent is of a history that is
// lost. The config store calls it before it ends its own side of them, so that clients see a
// restart and not an error. A client that reconnects says where it was, and is answered from there
// or refused.
func (h *Handler) endSubscriptions() {
	h.websocket.CloseAll(gqlws.CloseRestart, "the history is not the one that this server had applied")
	h.sse.EndAll()
}

// shared returns the context of subscribers that share their work, given that of the first of them.
// Its caller may read what the caller of the first may read now, whatever becomes of that token.
func (r *resolver) shared(ctx context.Context) context.Context {
	caller, err := r.store.Viewer(r.caller(ctx))
	if err != nil {
		return ctx // a source gives the reason
	}
	return auth.NewContext(ctx, caller.Fixed())
}

// rights returns what the client of an event stream may do. Their context ends with them.
func (r *resolver) rights(ctx context.Context) (fanout.Rights, error) {
	return beginSession(ctx, r.store, r.caller(ctx), func(reason error) error { return reason })
}
