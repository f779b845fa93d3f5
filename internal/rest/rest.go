package rest

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"configapi/internal/audit"
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
	// Refused is called for each request whose caller lacks a right. nil: nothing is called.
	Refused func(context.Context, audit.Refusal)
	// Log gets the texts of internal errors, which clients do not see. nil: nothing is logged.
	Log *slog.Logger
}

// Handler serves the paths of the API. Any other path gets 404 `Not Found`.
type Handler struct {
	store           *configstore.Store
	log             *slog.Logger
	refused         func(context.Context, audit.Refusal)
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
	if opts.Refused == nil {
		opts.Refused = func(context.Context, audit.Refusal) {}
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
		refused:         opts.Refused,
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
		h.refuseMethod(w, r, route)
		return
	}
	if op.reads() {
		setReadHeaders(w.Header())
	}
	if route.isOfTokens() {
		w.Header()[cacheControl] = notStored
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

// serve carries out an operation on all configs, or on tokens.
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
	case listTokens:
		h.listTokens(w, r)
	case readToken:
		h.readToken(w, r, route.name)
	case readSecret:
		h.readSecret(w, r, route.name)
	case createToken:
		h.createToken(w, r)
	case rotateToken:
		h.rotateToken(w, r, route.name)
	case changeGrants:
		h.changeGrants(w, r, route.name)
	case revokeToken:
		h.revokeToken(w, r, route.name)
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
		h.problem(w, r, problem.Problem{Kind: fault.NotFound,
			Detail: "there is nothing at this path; a name is one segment of it, with its slashes as %2F: " + meant})
	case isBelowChanges(r.URL.Path):
		h.problem(w, r, problem.Problem{Kind: fault.NotFound,
			Detail: "there is nothing at this path; GET /changes and GET /changes/recent read changes, POST /changes makes some, " +
				"and POST /changes/{position}/revert undoes a change set"})
	default:
		answerText(w, http.StatusNotFound, notFound)
	}
}
