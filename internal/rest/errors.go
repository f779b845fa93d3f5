package rest

import (
	"context"
	"errors"
	"net/http"

	"configapi/internal/audit"
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
	h.problem(w, r, h.problemOf(r, err))
}

// problemOf returns what a client sees of an error. The rest goes to the log.
func (h *Handler) problemOf(r *http.Request, err error) problem.Problem {
	kind := fault.KindOf(err)
	p := problem.Problem{Kind: kind, Detail: fault.Message(err)}
	switch kind {
	case fault.Internal:
		p.RequestID = requestid.From(r.Context())
		h.log.Error("a request failed", "error", err, "request_id", p.RequestID)
	case fault.Unavailable:
		var unavailable *fault.UnavailableError
		p.OutcomeUnknown = errors.As(err, &unavailable) && unavailable.OutcomeUnknown
		h.log.Warn("a request failed", "error", err, "cause", errors.Unwrap(err), "request_id", requestid.From(r.Context()))
	case fault.Denied:
		p.Action = actionOf(err)
		h.denied(r, err)
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

// denied records an error that says that the caller of a request lacks a right, or has lost one.
func (h *Handler) denied(r *http.Request, err error) {
	if errors.Is(err, auth.ErrChanged) {
		return // a stream has ended, as it must
	}
	ctx := r.Context()
	h.refused(ctx, audit.OfDenied(auth.FromContext(ctx), err))
}

// problem answers with a problem. The position of the answer is the newest one, unless the caller
// has set another. OPTIONS gets none: the server asks it for no token.
func (h *Handler) problem(w http.ResponseWriter, r *http.Request, p problem.Problem) {
	if _, set := w.Header()[configPosition]; !set && r.Method != http.MethodOptions {
		if reader, err := h.store.Reader(auth.FromContext(r.Context())); err == nil {
			locate(w.Header(), reader.Head().Position())
		}
	}
	p.Write(w)
}

func (h *Handler) refuseMethod(w http.ResponseWriter, r *http.Request, route route) {
	allow := route.allow()
	w.Header().Set("Allow", allow)
	h.problem(w, r, problem.Problem{Kind: fault.MethodNotAllowed,
		Detail: "the methods here are " + allow})
}

// currentVersion returns the version of the config or the token for which a command was refused, 0
// when its name has none. It returns nil when the client may not read the config.
func currentVersion(err error) *int {
	if conflict := conflictOf(err); conflict != nil {
		return new(int(conflict.Current.Version))
	}
	refusal, is := errors.AsType[*fault.Refusal](err)
	switch {
	case is && refusal.Hidden:
		return nil
	case is && refusal.Current != nil:
		return new(int(refusal.Current.Version))
	}
	return new(int)
}

// actionOf returns the action that a request was refused for, "" when it was refused for none.
func actionOf(err error) string {
	if denied, is := errors.AsType[*fault.ForbiddenError](err); is {
		return denied.Action.String()
	}
	return ""
}
