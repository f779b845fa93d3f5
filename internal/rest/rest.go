// Package rest is the REST edge: what clients of the system that this one takes over from already speak, and what a user of
// such an API expects besides. It holds no rules of its own.
//
//	GET     /config                        all configs, by name; ?prefix=payments/ only those, ?first=100&after=… a page
//	GET     /config/{name}                 the value, as plain text, or the config as an object
//	PUT     /config/{name}                 {"value":"…"}, or the value itself
//	DELETE  /config/{name}
//	GET     /config/{name}/history         all revisions, oldest first
//	GET     /config/{name}/at/{timestamp}  the value at an instant
//	POST    /config/{name}/restore         nothing, or {"value":"…"}
//	GET     /events                        changes as they happen, as server-sent events; ?prefix=payments/&after=1842-9f3a21c0
//
// Every path also exists below /v1, and HEAD wherever GET does. A name is one segment of the path:
// `a%2Fb` is the config a/b, while /config/a/b is no path of the API, and its 404 says how to write
// it. Where a name should be and nothing is, as in /config/, the name is empty and that is what the
// answer says.
//
// The fixed texts (`OK`, `Not Found`, `Gone`, the one about timestamps) are a contract to the byte:
// plain text without a line feed. All other errors are problem details, see package problem. A
// client whose Accept header prefers JSON to plain text gets one config as an object, and a problem
// instead of `Gone`, which says how a deleted config comes back. Reads are never refused for what
// they accept, /events apart.
//
// # Positions and tags
//
// Every answer about configs has Config-Position, the position that it is valid at. On one
// connection that position never goes back, except where a moment of the past was asked for (a page
// after the first is one), or the outcome of an earlier request.
//
// An answer about one config has Config-Version and an ETag: the version and the first bytes of the
// hash of the revision that is in force, or of the change that was made. A version of a history
// that was lost in a failover or a restore has another tag. The object form has a tag of its own,
// so that a cache keeps both apart; either is good for a change. A list has its position as ETag.
//
// A change takes If-Match and If-None-Match as RFC 9110 has them: `*`, or a list of tags, on any
// number of lines. Both must hold when both are given. They are checked by the writer, on the state
// that the change is made on. A tag that does not match is 412 with the present tag; what is no tag
// at all is 400, since a condition that is not understood must not be taken for one that holds.
// If-Match takes a bare version, too, for clients of old; If-None-Match does not. A read is 304
// only when all of the tag is equal.
//
// A read may ask how fresh it is to be: with Config-At-Least for a position that any node gave, which is waited for (2 s, or
// ?wait=5s, at most 30 s), or with ?consistency=linearizable for all that was acknowledged when it began. It gets 504 rather
// than something older.
//
// # Changes
//
// A PUT has `{"value":"…"}` as application/json, or the value itself, byte for byte, as
// application/octet-stream: UTF-8 without NUL. Headers say more about a change: Config-Reason, in
// percent-encoded UTF-8, and on a PUT Config-Only-If-Changed: true, with which nothing is written
// when the value is equal, and Config-Restore: true, with which a deleted config comes back. A
// change with an Idempotency-Key may be sent again: it has one effect, and the answer is that of
// the first time. The key with another change, or with other headers of these, is 422.
//
// A query parameter that is not known is refused on changes, on the list and on /events, unless its
// name begins with _.
//
// A request is checked in this order: its path and method, its name, headers and body, then whether
// the config is there, then its conditions, then its key.
//
// # Long answers
//
// The list and a history are streamed from one position: they may be of any length, and the server
// holds 1 MiB of them at a time, or one revision. A client that takes less than 64 KiB a second, on
// average over a minute, is cut off by package httpd, and the slowest one is when others need the
// room. An array that cannot be finished ends with the connection: half of one never looks like a
// whole one. A page of the list (?first=, 1 to 500 configs) ends early at 8 MiB; its Link header
// leads to the next one, which is of the same position. The link is relative, so that it is right
// below the path of a proxy.
//
// An event stream has an event "changes" for each change set, whose data and promises are those of
// GraphQL's configChanges, and whose id is the position to go on from: an EventSource does so by
// itself when it comes back, with Last-Event-ID, which counts more than the parameter after. A
// position inside a change set gives that whole set again. An error in the middle is an event
// "error" with a problem, and the end.
//
// Which browsers' pages may send requests is decided before a request comes here: see package
// origin.
package rest

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"time"

	"configapi/internal/budget"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

// Options of a [Handler]. Zero fields have the defaults named.
type Options struct {
	// CommentInterval is the time between two comments on an event stream. 0: 15 s.
	CommentInterval time.Duration
	// Answers is the room of the pages that histories and pages of the past are made of, until
	// clients have taken them, and Streams that of the messages of event streams. The edges of a
	// server share both. nil: a budget of the usual size, which is not shared.
	Answers, Streams *budget.Budget
	// Limit bounds how many event streams there are; the edges of a server share it. nil: nothing
	// does.
	Limit *eventstream.Limit
	// Log gets what internal errors say, which clients do not get to see. nil: it is lost.
	Log *slog.Logger
}

// Handler serves the paths of the API. Any other path gets 404 `Not Found`.
type Handler struct {
	store           *configstore.Store
	log             *slog.Logger
	answers         *budget.Budget
	messages        *budget.Budget
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
	if opts.Answers == nil {
		opts.Answers = budget.ForAnswers()
	}
	if opts.Streams == nil {
		opts.Streams = budget.ForStreams()
	}
	return &Handler{
		store:           store,
		log:             opts.Log,
		answers:         opts.Answers,
		messages:        opts.Streams,
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

// answerUnknownPath answers for a path that the API does not have. A client that has not escaped
// the slashes of a name is told how to.
func (h *Handler) answerUnknownPath(w http.ResponseWriter, r *http.Request) {
	meant, ok := escapedPath(r.URL)
	if !ok {
		answerText(w, http.StatusNotFound, notFound)
		return
	}
	h.problem(w, problem.Problem{Kind: fault.NotFound,
		Detail: "there is nothing at this path; a name is one segment of it, with its slashes as %2F: " + meant})
}
