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

// fail answers with an error of the config store, or of the parsing of its inputs. The handler must
// return then.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) {
		panic(http.ErrAbortHandler) // the client has disconnected
	}
	if fault.KindOf(err) == fault.TooLarge {
		w.Header().Set("Connection", "close") // the client may go on sending
	}
	h.problem(w, h.problemOf(r, err))
}

// problemOf returns what a client sees of an error. The rest goes to the log.
func (h *Handler) problemOf(r *http.Request, err error) problem.Problem {
	kind := fault.KindOf(err)
	p := problem.Problem{Kind: kind, Detail: fault.Message(err)}
	switch kind {
	case fault.Internal:
		p.RequestID = requestid.From(r.Context())
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

// problem answers with a problem. The position of the answer is the newest one, unless the caller
// has set another.
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
	h.problem(w, problem.Problem{Kind: fault.MethodNotAllowed,
		Detail: "the methods here are " + allow})
}

// currentVersion returns the version of the config for which a command was refused, 0 when its name
// has none.
func currentVersion(err error) *int {
	var refusal *fault.Refusal
	version := 0
	if errors.As(err, &refusal) && refusal.Current != nil {
		version = int(refusal.Current.Version)
	}
	return &version
}
