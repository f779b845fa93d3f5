package rest

import (
	"context"
	"errors"
	"net/http"

	"configapi/internal/auth"
	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/requestid"
)

// answers is the table from kinds of errors to what a client gets.
var answers = [...]struct {
	status int
	code   string
}{
	fault.Internal:            {http.StatusInternalServerError, problem.Internal},
	fault.InvalidInput:        {http.StatusBadRequest, problem.InvalidInput},
	fault.TooLarge:            {http.StatusRequestEntityTooLarge, problem.InvalidInput},
	fault.NotFound:            {http.StatusNotFound, problem.NotFound},
	fault.Deleted:             {http.StatusGone, problem.Deleted},
	fault.NotDeleted:          {http.StatusConflict, problem.NotDeleted},
	fault.VersionConflict:     {http.StatusPreconditionFailed, problem.VersionConflict},
	fault.PositionUnknown:     {http.StatusBadRequest, problem.PositionUnknown},
	fault.PositionNotReached:  {http.StatusGatewayTimeout, problem.PositionNotReached},
	fault.IdempotencyMismatch: {http.StatusUnprocessableEntity, problem.IdempotencyMismatch},
	fault.Unavailable:         {http.StatusServiceUnavailable, problem.Unavailable},
}

// fail answers with an error of the config store, or of the parsing of its inputs. The handler ends with it.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		panic(http.ErrAbortHandler) // the client is gone
	}
	if fault.KindOf(err) == fault.TooLarge {
		w.Header().Set("Connection", "close") // who sends that much may not stop
	}
	h.problem(w, h.problemOf(r, err))
}

// problemOf is what a client gets to see of an error. The rest is in the log.
func (h *Handler) problemOf(r *http.Request, err error) problem.Problem {
	kind := fault.KindOf(err)
	p := problem.Problem{Status: answers[kind].status, Code: answers[kind].code, Detail: err.Error()}
	switch kind {
	case fault.Internal:
		p.RequestID = requestid.From(r.Context())
		p.Detail = "something went wrong here; the request id leads to the details in the server's log"
		h.log.Error("answering a request", "error", err, "request_id", p.RequestID)
	case fault.Unavailable:
		var unavailable *fault.UnavailableError
		p.OutcomeUnknown = errors.As(err, &unavailable) && unavailable.OutcomeUnknown
		h.log.Warn("answering a request", "error", err, "cause", errors.Unwrap(err), "request_id", requestid.From(r.Context()))
	case fault.VersionConflict:
		p.CurrentVersion = currentVersion(err)
		switch given, ruledOut := len(r.Header[ifMatch]) > 0, len(r.Header[ifNoneMatch]) > 0; {
		case given && ruledOut:
			p.Detail = "the config's newest revision is not one that If-Match names and If-None-Match does not; read it and try again"
		case ruledOut:
			p.Detail = "the config's newest revision is one that If-None-Match rules out; read it and try again"
		}
	}
	return p
}

// problem answers with a problem. Its position is the newest one, unless the caller has set another.
func (h *Handler) problem(w http.ResponseWriter, p problem.Problem) {
	if _, set := w.Header()[configPosition]; !set {
		if reader, err := h.store.Reader(auth.Anonymous); err == nil {
			locate(w.Header(), reader.Head().Position())
		}
	}
	p.Write(w)
}

func (h *Handler) refuseMethod(w http.ResponseWriter, route route) {
	allow := route.allow()
	w.Header().Set("Allow", allow)
	h.problem(w, problem.Problem{Status: http.StatusMethodNotAllowed, Code: problem.InvalidInput,
		Detail: "the methods here are " + allow})
}

// currentVersion is the version that a refused command has found.
func currentVersion(err error) *int {
	var refusal *fault.Refusal
	version := 0
	if errors.As(err, &refusal) && refusal.Current != nil {
		version = int(refusal.Current.Version)
	}
	return &version
}
