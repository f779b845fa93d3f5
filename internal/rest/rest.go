// Package rest is the REST edge. It answers the clients of the system that this one takes over from
// as that system did, and has what users of such an API expect besides. It has no rules of its own.
//
//	GET     /config                        all configs, by name; of ?prefix=payments/; ?first=100
//	GET     /config/{name}                 the value, as plain text, or the config as an object
//	PUT     /config/{name}                 {"value":"…"}, or the value itself
//	DELETE  /config/{name}
//	GET     /config/{name}/history         all revisions, oldest first
//	GET     /config/{name}/at/{timestamp}  the value at an instant
//	POST    /config/{name}/restore         nothing, or {"value":"…"}
//	GET     /events                        changes as they happen, as server-sent events
//
// The list takes the parameters prefix, first and after, /events takes prefix and after: both
// select configs whose names begin with whole segments, such as payments/.
//
// Every path also exists below /v1, and HEAD wherever GET does. A name is one segment of the path:
// `a%2Fb` is the config a/b, while /config/a/b is no path of the API, and its 404 says how to write
// it. In /config/ the name is empty, and the answer says so.
//
// The fixed texts (`OK`, `Not Found`, `Gone`, the one about timestamps) are a contract to the byte:
// plain text without a line feed. All other errors are problem details: see package problem, and
// docs/errors.md. A client whose Accept header prefers JSON to plain text gets one config as an
// object, and instead of `Gone` a problem, which says how to restore a deleted config. Only /events
// refuses a request for its Accept header.
//
// # Positions and tags
//
// Every answer about configs has Config-Position, the position at which it is valid. On one
// connection that position never goes back, except in answers about the past (a page after the
// first is one) and in those that repeat the outcome of an earlier request.
//
// An answer about one config has Config-Version and an ETag: the version and the first bytes of the
// hash of the revision that is in force, or of the change that was made. The same version in a
// history that was lost in a failover or a restore has another tag. The object form has a tag of
// its own, so that caches keep the forms apart; a change takes either. A list has its position as
// ETag.
//
// A change takes If-Match and If-None-Match as RFC 9110 has them: `*`, or a list of tags, on any
// number of lines. Both must hold when both are given. The writer checks them, on the state that
// the change builds on. A tag that does not match gets 412 with the present tag. Anything that is
// not a tag gets 400, since a condition that is not understood must not be taken for one that
// holds. If-Match also takes a bare version, from old clients; If-None-Match does not. A read
// gets 304 only when the whole tag is equal.
//
// A read may demand freshness: with Config-At-Least a position that any node gave, for which the
// read waits (2 s, or ?wait=5s, at most 30 s), or with ?consistency=linearizable everything that
// was acknowledged when the read began. It gets 504 rather than anything older.
//
// # Changes
//
// A PUT has `{"value":"…"}` as application/json, or the value itself, byte for byte, as
// application/octet-stream: UTF-8 without NUL. Headers say more about a change: Config-Reason, in
// percent-encoded UTF-8, and on a PUT Config-Only-If-Changed: true, with which nothing is written
// when the value is equal, and Config-Restore: true, which restores a deleted config. A change with
// an Idempotency-Key may be sent again: it has one effect, and the answer is that of the first
// time. The same key with another change, or with other values of these headers, gets 422.
//
// A query parameter that is not known is refused on changes, on the list and on /events, unless its
// name begins with _.
//
// A request is checked in this order: its path and method, its name, headers and body, then whether
// the config is there, then its conditions, then its key.
//
// # Long answers
//
// The list and a history are streamed from one position: they may have any length, and the server
// holds 1 MiB of them at a time, or one revision. Package httpd cuts off a client that takes less
// than 64 KiB a second on average over a minute, and the slowest client is cut off when others need
// the memory. An array that cannot be finished ends with the connection, so that a part never looks
// like the whole. A page of the list (?first=, 1 to 500 configs) ends early at 8 MiB; its Link
// header leads to the next page, which is of the same position. The link is relative, so that it is
// also right below the path of a proxy.
//
// An event stream has an event "changes" for each change set, whose data and promises are those of
// GraphQL's configChanges, and whose id is the position to continue from. An EventSource does so by
// itself when it reconnects, with Last-Event-ID, which takes precedence over the parameter after. A
// position inside a change set gives that whole set again. An error ends the stream with an event
// "error", whose data is a problem.
//
// Package origin decides which browsers' pages may send requests, before a request comes here.
package rest

import (
	"cmp"
	"context"
	"fmt"
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
	// Answers is the budget of the pages that histories and pages of the past are made of, until
	// clients have taken them. Streams is the budget of the messages of event streams. The edges of
	// a server share both. nil: a budget of the usual size, which is not shared.
	Answers, Streams *budget.Budget
	// Limit bounds how many event streams are open; the edges of a server share it. nil: no bound.
	Limit *eventstream.Limit
	// Log gets the texts of internal errors, which clients do not see. nil: nothing is logged.
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

// New returns the REST edge of a config store. It serves what the store has applied; the caller
// must ensure that the store is ready before it serves requests. New panics when an interval is
// negative.
func New(store *configstore.Store, opts Options) *Handler {
	if opts.CommentInterval < 0 {
		panic(fmt.Sprintf("rest: Options.CommentInterval is negative: %v", opts.CommentInterval))
	}
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

// Shutdown refuses new event streams with 503, ends the open ones, whose clients reconnect by
// themselves, and waits until they have ended, or ctx has. Without it the HTTP server would wait
// for them for ever.
func (h *Handler) Shutdown(ctx context.Context) error { return h.streams.Shutdown(ctx) }

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, known := parseRoute(r.URL)
	if !known {
		h.answerUnknownPath(w, r)
		return
	}
	// The method comes first, since it decides what else is checked.
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
	if route.isOfName() {
		h.serveName(op, w, r, route)
		return
	}
	h.serve(op, w, r, route)
}

// serve carries out an operation on all configs.
func (h *Handler) serve(op operation, w http.ResponseWriter, r *http.Request, route route) {
	switch op {
	case list:
		h.list(w, r)
	case watch:
		h.watch(w, r)
	case listChanges:
		h.listChanges(w, r)
	case listRecent:
		h.listRecent(w, r)
	case diff:
		h.diff(w, r)
	case listDeleted:
		h.listDeleted(w, r)
	case listChildren:
		h.listChildren(w, r)
	case apply:
		h.apply(w, r)
	case revert:
		h.revert(w, r)
	case revertSet:
		h.revertSet(w, r, route.at)
	}
}

// serveName carries out an operation on one config.
func (h *Handler) serveName(op operation, w http.ResponseWriter, r *http.Request, route route) {
	name, err := config.ParseName(route.name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
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
		h.readAt(w, r, name, route.at)
	}
}

// answerUnknownPath answers for a path that the API does not have. A client that has not escaped
// the slashes of a name gets the path that it means.
func (h *Handler) answerUnknownPath(w http.ResponseWriter, r *http.Request) {
	meant, ok := escapedPath(r.URL)
	switch {
	case ok:
		h.problem(w, problem.Problem{Kind: fault.NotFound,
			Detail: "there is nothing at this path; a name is one segment of it, with its slashes as %2F: " + meant})
	case isBelowChanges(r.URL.Path):
		h.problem(w, problem.Problem{Kind: fault.NotFound,
			Detail: "there is nothing at this path; GET /changes and GET /changes/recent read changes, POST /changes makes some, " +
				"and POST /changes/{position}/revert undoes a change set"})
	default:
		answerText(w, http.StatusNotFound, notFound)
	}
}
