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
// A change on condition has If-Match with one quoted version, or If-None-Match with `*`. Anything else there is an error: a
// condition that is not understood must not be taken for one that holds.
//
// A change with an Idempotency-Key may be sent again: it has one effect, and the answer is that of the first time. The key with
// another change is 422.
//
// A list or a history that cannot be finished ends with the connection: half an array never looks like a whole one.
//
// Browsers do not get to change configs from other sites' pages: see [net/http.CrossOriginProtection].
package rest

import (
	"log/slog"
	"net/http"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/problem"
)

// Options of [New].
type Options struct {
	// Log gets what internal errors say, which clients do not get to see. nil: it is lost.
	Log *slog.Logger
}

// New returns a handler for the paths of the API. Any other path gets 404 `Not Found`. It serves what the store has applied:
// that the store is ready is for whoever routes requests to see to.
func New(store *configstore.Store, opts Options) http.Handler {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &handler{store: store, log: opts.Log, origins: http.NewCrossOriginProtection()}
}

type handler struct {
	store   *configstore.Store
	log     *slog.Logger
	origins *http.CrossOriginProtection
}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	route, known := parseRoute(r.URL)
	if !known {
		answerText(w, http.StatusNotFound, notFound)
		return
	}
	// The method first: what a request wants cannot be judged when it cannot be wanted there.
	op := route.operation(r.Method)
	if op == unsupported {
		h.refuseMethod(w, route)
		return
	}
	if err := h.origins.Check(r); err != nil {
		h.problem(w, problem.Problem{Status: http.StatusForbidden, Code: problem.Forbidden,
			Detail: "a page of another site may not change configs"})
		return
	}
	if op == list {
		h.list(w, r)
		return
	}
	name, err := config.ParseName(route.name)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.serve(op, w, r, name, route)
}

func (h *handler) serve(op operation, w http.ResponseWriter, r *http.Request, name config.Name, route route) {
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
