package httpd

import (
	"net/http"
	"strings"

	"configapi/internal/fault"
	"configapi/internal/problem"
	"configapi/internal/projection"
)

const (
	graphqlPath    = "/graphql"
	playgroundPath = "/playground"
)

// route passes a request to the handler of its path.
func (s *Server) route(e *exchange, r *http.Request) {
	path := r.URL.Path
	if strings.HasPrefix(path, "/config") { // first, since most requests are REST
		s.asCaller(s.opts.REST, e, r)
		return
	}
	if served := edgeOf(path); isTooLarge(r) && (served == healthEdge || served == playgroundEdge) {
		s.refuseSize(e)
		return
	}
	switch strings.TrimPrefix(path, "/v1") {
	case "/health":
		s.answerHealth(e, r, s.health.report)
		return
	case "/livez":
		s.answerHealth(e, r, s.health.live)
		return
	case "/readyz":
		s.answerHealth(e, r, s.health.ready)
		return
	case "/metrics":
		s.answerHealth(e, r, func(_ http.ResponseWriter, r *http.Request) { s.scrape(e, r) })
		return
	}
	switch {
	case path == graphqlPath:
		s.asCaller(s.opts.GraphQL, e, r)
	case s.opts.Playground != nil && (path == playgroundPath || strings.HasPrefix(path, playgroundPath+"/")):
		s.whenReady(s.opts.Playground, e, r) // files of the program, for everyone
	default:
		s.asCaller(s.opts.REST, e, r)
	}
}

// whenReady answers 503 until the store has applied its history, and again when the history turns
// out to be broken. Before that, every answer would show a past state.
func (s *Server) whenReady(next http.Handler, w http.ResponseWriter, r *http.Request) {
	if s.isReady() {
		next.ServeHTTP(w, r)
	} else {
		s.answerNotReady(w)
	}
}

func (s *Server) answerNotReady(w http.ResponseWriter) {
	reason := starting
	if problem := s.opts.Store.LastHealth().Projection; projection.Permanent(problem) {
		reason = reasonOf(problem)
	} else if !s.hasBegun() && isReady(s.opts.Store) {
		reason = beginning
	}
	notReady(w, reason)
}

// isReady reports whether requests are answered, besides those of probes.
func (s *Server) isReady() bool { return s.hasBegun() && isReady(s.opts.Store) }

// hasBegun reports whether Options.Begun is closed, or not set.
func (s *Server) hasBegun() bool {
	if s.opts.Begun == nil {
		return true
	}
	select {
	case <-s.opts.Begun:
		return true
	default:
		return false
	}
}

func (s *Server) answerHealth(w http.ResponseWriter, r *http.Request, answer http.HandlerFunc) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		problem.Problem{Kind: fault.MethodNotAllowed,
			Detail: "the methods here are GET, HEAD"}.Write(w)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	answer(w, r)
}

func notReady(w http.ResponseWriter, reason string) {
	problem.Problem{Kind: fault.Unavailable,
		Detail: "the server is not ready: " + reason}.Write(w)
}
