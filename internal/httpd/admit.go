package httpd

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"configapi/internal/auth"
	"configapi/internal/fault"
	"configapi/internal/origin"
	"configapi/internal/problem"
)

// maxLoggedHeader is how many bytes of a header the log shows. Hosts and origins have at most 255.
const maxLoggedHeader = 300

// admit reports whether the request may reach its handler. If not, admit has answered it. Host and
// origin are checked before anything else, so a page of another origin learns nothing.
//
// The host of a request with a token is not checked: the check is against DNS rebinding, and a page
// whose name was made to resolve to this server has no token. A token that is not valid gets its
// 401.
func (s *Server) admit(e *exchange, r *http.Request) bool {
	if !s.opts.Guard.ServesHost(r) && !isHealthPath(r.URL.Path) && !needsValidToken(r) {
		s.refuseHost(e, r)
		return false
	}
	e.decision = s.opts.Guard.Check(r)
	switch {
	case e.decision == origin.Refused:
		s.refusePage(e, r)
	case origin.IsPreflight(r, e.decision):
		s.opts.Guard.AnswerPreflight(e, r)
	default:
		return true
	}
	return false
}

// needsValidToken reports whether a request has a token, and is only answered when that is valid:
// see [Server.asCaller].
func needsValidToken(r *http.Request) bool {
	_, given, _ := auth.Bearer(r.Header["Authorization"])
	return given && r.Method != http.MethodOptions && edgeOf(r.URL.Path) != playgroundEdge
}

// isHealthPath reports whether a path belongs to the health routes. Probes may use any host name.
func isHealthPath(path string) bool {
	switch strings.TrimPrefix(path, "/v1") {
	case "/health", "/livez", "/readyz", "/metrics":
		return true
	}
	return false
}

func (s *Server) refuseHost(e *exchange, r *http.Request) {
	s.refused(refusedHost, e, r, "refused a request for an unknown host; to allow the host, see --allow-host")
	problem.Problem{Kind: fault.WrongHost, RequestID: e.id,
		Detail: "this server does not answer for the host that the request names; if it should, start it with --allow-host HOST " +
			"or CONFIGAPI_ALLOW_HOST, or let the proxy in front send a host that it answers for"}.Write(e)
}

func (s *Server) refusePage(e *exchange, r *http.Request) {
	s.refused(refusedOrigin, e, r, "refused a request from a page of another origin; to allow the origin, see --allow-origin and docs/proxies.md")
	problem.Problem{Kind: fault.Forbidden, RequestID: e.id,
		Detail: "pages of another origin may not send requests here; if this one may, start the server with --allow-origin ORIGIN " +
			"or CONFIGAPI_ALLOW_ORIGIN; if it is the server's own, let the proxy in front keep the header Host"}.Write(e)
}

// refused counts a refusal and logs what the browser sent. Anyone can cause these lines, so they
// are sampled, and the line of the request with them. The log handler escapes these strings.
func (s *Server) refused(why refusal, e *exchange, r *http.Request, message string) {
	s.opts.Metrics.refused(why)
	leftOut, has := s.strangers.Next()
	if e.quiet = !has; e.quiet {
		return
	}
	attrs := []slog.Attr{
		slog.String("host", logged(r.Host, maxLoggedHeader)),
		slog.String("origin", logged(strings.Join(r.Header["Origin"], ", "), maxLoggedHeader)),
		slog.String("sec_fetch_site", logged(strings.Join(r.Header["Sec-Fetch-Site"], ", "), maxLoggedMethod)),
		slog.String("method", logged(r.Method, maxLoggedMethod)),
		slog.String("path", loggedPath(r)),
		slog.String("request_id", e.id),
		slog.String("remote", r.RemoteAddr),
	}
	if leftOut > 0 {
		attrs = append(attrs, slog.Int("left_out", leftOut))
	}
	s.opts.Log.LogAttrs(context.Background(), slog.LevelWarn, message, attrs...)
}
