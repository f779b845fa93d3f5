// Package rest is the REST edge: what clients of the system that this one takes over from already speak, and what a user of
// such an API expects besides. It holds no rules of its own.
//
//	GET     /config                        all configs, by name; ?prefix=payments/ only those
//	GET     /config/{name}                 the value, as plain text
//	PUT     /config/{name}                 {"value":"…"}
//	DELETE  /config/{name}
//	GET     /config/{name}/history         all revisions, oldest first
//	GET     /config/{name}/at/{timestamp}  the value at an instant
//	POST    /config/{name}/restore         nothing, or {"value":"…"}
//	GET     /events                        changes as they happen, as server-sent events; ?prefix=payments/&after=1842-9f3a21c0
//
// Every path also exists below /v1, and HEAD wherever GET does. A name is one segment of the path: `a%2Fb` is the config a/b,
// while /config/a/b is no path of the API. Where a name should be and nothing is, as in /config/, the name is empty and
// that is what the answer says.
//
// The fixed texts (`OK`, `Not Found`, `Gone`, the one about timestamps) are a contract to the byte: plain text without a line
// feed. All other errors are problem details, see package problem. A change and a state come with ETag and Config-Version,
// the version of that very change or state, and every answer about configs with Config-Position, the position that it is
// valid at. On one connection that position never goes back, except where a moment of the past was asked for, or the outcome of an
// earlier request.
//
// A read may ask how fresh it is to be: with Config-At-Least for a position that any node gave, which is waited for (2 s, or
// ?wait=5s, at most 30 s), or with ?consistency=linearizable for all that was acknowledged when it began. It gets 504 rather
// than something older.
//
// A change on condition has If-Match with one quoted version, or If-None-Match with `*`. Anything else there is an error: a
// condition that is not understood must not be taken for one that holds.
//
// An event stream has an event "changes" for each change set, whose data and promises are those of GraphQL's configChanges, and whose
// id is the position to go on from: an EventSource does so by itself when it comes back, with Last-Event-ID, which counts more than
// the parameter after. An error in the middle is an event "error" with a problem, and the end.
// A change with an Idempotency-Key may be sent again: it has one effect, and the answer is that of the first time. The key with
// another change is 422.
//
// A list or a history that cannot be finished ends with the connection: half an array never looks like a whole one.
//
// Which browsers' pages may send requests is decided before a request comes here: see package origin.
package rest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstream"
	"configapi/internal/problem"
)

// Options of a [Handler]. Zero fields have the defaults named.
type Options struct {
	// CommentInterval is the time between two comments on an event stream. 0: 15 s.
	CommentInterval time.Duration
	// Limit bounds how many event streams there are; the edges of a server share it. nil: nothing does.
	Limit *eventstream.Limit
	// Log gets what internal errors say, which clients do not get to see. nil: it is lost.
	Log *slog.Logger
}

// Handler serves the paths of the API. Any other path gets 404 `Not Found`.
type Handler struct {
	store           *configstore.Store
	log             *slog.Logger
	streams         *eventstream.Streams
	limit           *eventstream.Limit
	commentInterval time.Duration
}

// New returns the REST edge of a config store. It serves what the store has applied: that the store is ready is for whoever
// routes requests to see to.
func New(store *configstore.Store, opts Options) *Handler {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{
		store:           store,
		log:             opts.Log,
		streams:         eventstream.NewStreams(),
		limit:           opts.Limit,
		commentInterval: cmp.Or(opts.CommentInterval, eventstream.DefaultCommentInterval),
	}
}

// Shutdown refuses new event streams with 503, ends those that are there, whose clients come back by themselves, and waits for that
// until ctx ends. The HTTP server would wait for them for ever.
func (h *Handler) Shutdown(ctx context.Context) error { return h.streams.Shutdown(ctx) }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, known := parseRoute(r.URL)
	if !known {
		h.answerUnknownPath(w, r)
		return
	}
	// The method first: what a request wants cannot be judged when it cannot be wanted there.
	op := route.operation(r.Method)
	if op == unsupported {
		h.refuseMethod(w, route)
		return
	}
	if op.reads() {
		setReadHeaders(w.Header())
	}
	if known, strict := op.parameters(); strict {
		if err := checkParameters(r.URL.RawQuery, known); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	switch op {
	case list:
		h.list(w, r)
		return
	case watch:
		h.watch(w, r)
		return
	}
	name, err := config.ParseName(route.name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.serve(op, w, r, name, route)
}

func (h *Handler) serve(op operation, w http.ResponseWriter, r *http.Request, name config.Name, route route) {
	switch op {
	case read:
		h.read(w, r, name)
	case set:
		h.set(w, r, name)
	case remove:
		h.remove(w, r, name)
	case restore:
		h.restore(w, r, name)
	case history:
		h.history(w, r, name)
	case readAt:
		h.readAt(w, r, name, route.instant)
	}
}

// answerUnknownPath answers for a path that the API does not have. A client that has not escaped the slashes of a name is
// told how to.
func (h *Handler) answerUnknownPath(w http.ResponseWriter, r *http.Request) {
	meant, ok := escapedPath(r.URL)
	if !ok {
		answerText(w, http.StatusNotFound, notFound)
		return
	}
	h.problem(w, problem.Problem{Status: http.StatusNotFound, Code: problem.NotFound,
		Detail: "there is nothing at this path; a name is one segment of it, with its slashes as %2F: " + meant})
}
