package httpd

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"configapi/internal/attempts"
	"configapi/internal/audit"
	"configapi/internal/auth"
	"configapi/internal/eventstream"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

// healthCallerTime is how long /health takes to authenticate its caller at most.
const healthCallerTime = time.Second

// asCaller has a handler serve the request as the caller that its Authorization header proves, or
// as the anonymous caller without that header. Who may do nothing is refused before the body is
// read. OPTIONS is not authenticated: browsers send it without a token.
func (s *Server) asCaller(next http.Handler, e *exchange, r *http.Request) {
	switch {
	case !s.isReady():
		s.answerNotReady(e)
		return
	case r.Method == http.MethodOptions:
		next.ServeHTTP(e, r)
		return
	}
	caller, given, err := s.callerOf(r.Context(), r, e.proof)
	e.caller = caller.Name
	e.varies = given || !isOpenTo(caller, err)
	switch {
	case err == auth.ErrNoToken && isWebsocket(r):
		// The token may come in the first message: see graph.Handler. Until then the store allows
		// the caller nothing.
	case err != nil:
		s.refuseCaller(e, r, err, given)
		return
	case !e.varies && s.mayBeForeign(r):
		s.refuseOpen(e, r)
		return
	case isTooLarge(r): // only after the caller was checked
		s.refuseSize(e)
		return
	}
	if given {
		*r = *r.WithContext(auth.NewContext(r.Context(), caller)) // in place: a copy would take as long as all else here
	}
	next.ServeHTTP(e, r)
}

// callerOf returns the caller that a request proves, given what has proved the last one on its
// connection. given reports whether the request has a token.
func (s *Server) callerOf(ctx context.Context, r *http.Request, last *lastProof) (caller auth.Caller, given bool, err error) {
	values := r.Header["Authorization"]
	if proof := last.of(values); proof != nil && s.opts.Store.StillProves(proof) {
		return proof.Caller, true, nil
	}
	secret, given, err := auth.Bearer(values)
	if err == nil {
		caller, err = s.opts.Store.Authenticate(ctx, secret)
	}
	if err == nil && given {
		last.keep(values[0], caller)
	}
	return caller, given, err
}

// isOpenTo reports whether an anonymous caller was let in because no token was ever issued.
func isOpenTo(caller auth.Caller, err error) bool {
	return err == nil && caller.IsAnonymous() && caller.Grants == auth.Everything
}

// isOpen reports whether no token was ever issued.
func (s *Server) isOpen(ctx context.Context) bool {
	return isOpenTo(s.opts.Store.Authenticate(ctx, ""))
}

// mayBeForeign reports whether an open server must refuse a request, since it may come from another
// machine.
func (s *Server) mayBeForeign(r *http.Request) bool {
	return !s.opts.AllowAnonymous && (s.opts.Exposed || isForwarded(r.Header))
}

// isForwarded reports whether a proxy has sent the request on.
func isForwarded(h http.Header) bool {
	for name := range h {
		if name == "Forwarded" || name == "Via" || strings.HasPrefix(name, "X-Forwarded-") {
			return true
		}
	}
	return false
}

// isWebsocket reports whether the request opens a websocket. It must be the test that the GraphQL
// edge uses, since that edge answers what it does not take for a handshake.
func isWebsocket(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.Path == graphqlPath && websocket.IsWebSocketUpgrade(r)
}

// setCallerHeaders forbids caches to store an answer, which is for one caller alone.
func setCallerHeaders(h http.Header) {
	h["Cache-Control"] = privateAnswer
	h.Add("Vary", "Authorization")
}

// wwwAuthenticate is the canonical name of the header in which a 401 asks for a token.
const wwwAuthenticate = "Www-Authenticate"

// Values of headers that all answers share. They must not be changed.
var (
	privateAnswer = []string{"private, no-store"}
	noToken       = []string{problem.Challenge}
	rejectedToken = []string{problem.Rejected}
)

// refuseCaller answers a request that does not prove who sends it.
func (s *Server) refuseCaller(e *exchange, r *http.Request, err error, given bool) {
	kind := fault.KindOf(err)
	if kind == fault.Unauthenticated {
		challenge := noToken
		e.quiet = !s.recordCaller(r, err, given)
		if given {
			if retry := s.opts.Attempts.Refused(r.Context(), eventstream.ClientOf(r.RemoteAddr)); retry > 0 {
				s.refuseAttempt(e, r, retry)
				return
			}
			challenge = rejectedToken
		}
		e.Header()[wwwAuthenticate] = challenge
	}
	s.refuse(e, r, kind, fault.Message(err))
}

// recordCaller counts and logs a request that does not prove who sends it, and reports whether it
// has a line. given reports whether it has a token.
func (s *Server) recordCaller(r *http.Request, err error, given bool) (hasLine bool) {
	secret, _, _ := auth.Bearer(r.Header["Authorization"])
	return s.callerRefused(r.Context(), audit.OfUnknown(err, secret, given))
}

// refuseAttempt answers a request of an address that has sent too many refused tokens.
func (s *Server) refuseAttempt(e *exchange, r *http.Request, retry time.Duration) {
	e.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	s.refuse(e, r, fault.RateLimited, attempts.Message)
}

func (s *Server) refuseOpen(e *exchange, r *http.Request) {
	s.opts.Metrics.refused(refusedOpen)
	e.quiet = !s.callerRefused(r.Context(), audit.Refusal{Why: "no token was ever issued, and the request may come from elsewhere"})
	s.refuse(e, r, fault.OpenServer, "no token was ever issued here, so this server serves only requests of its own machine, and this one may come from elsewhere; "+
		"make a first token with `configapi token create`, or start the server with --allow-anonymous")
}

// refuse answers with an error in the form of the path's edge.
func (s *Server) refuse(e *exchange, r *http.Request, kind fault.Kind, message string) {
	if r.URL.Path == graphqlPath && s.opts.RefuseGraphQL != nil {
		s.opts.RefuseGraphQL(e, kind, message)
		return
	}
	e.Header().Set("Cache-Control", "no-store")
	problem.Problem{Kind: kind, RequestID: e.id, Detail: message}.Write(e)
}

// seesEverything reports whether the caller of a request may read everything. It is false when the
// caller cannot be authenticated in time.
func (s *Server) seesEverything(r *http.Request) bool {
	if !s.hasBegun() {
		return false
	}
	ctx, cancel := context.WithTimeout(r.Context(), healthCallerTime)
	defer cancel()
	caller, given, err := s.callerOf(ctx, r, new(lastProof))
	if given && fault.KindOf(err) == fault.Unauthenticated {
		s.recordCaller(r, err, given)
	}
	return err == nil && caller.Scope(auth.Read).All() && !(isOpenTo(caller, err) && s.mayBeForeign(r))
}

// scrape serves /metrics to callers who may read everything.
func (s *Server) scrape(e *exchange, r *http.Request) {
	s.asCaller(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := s.opts.Store.Viewer(auth.FromContext(r.Context()))
		if err == nil && !caller.Scope(auth.Read).All() {
			err = &fault.ForbiddenError{Action: auth.Read}
			s.callerRefused(r.Context(), audit.OfDenied(caller, err))
		}
		if err != nil {
			problem.Problem{Kind: fault.KindOf(err), Action: auth.Read.String(), RequestID: e.id, Detail: fault.Message(err)}.Write(w)
			return
		}
		s.metrics.ServeHTTP(w, r)
	}), e, r)
}
