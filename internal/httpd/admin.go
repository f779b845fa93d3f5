package httpd

import (
	"context"
	"net"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"
	"time"

	"configapi/internal/auth"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

const (
	// adminConnections is how many connections an admin socket has at a time.
	adminConnections = 32
	// maxProfileTime is the longest profile of the admin socket. The time of others is that of
	// net/http/pprof: 30 s for the CPU, 1 s for a trace, an instant for the rest.
	maxProfileTime = time.Minute
)

// ServeAdmin serves an admin socket until ctx ends: the routes of tokens, as the caller
// [auth.Local], and the profiles of net/http/pprof. Everyone who can connect may do all that, so
// the listener must let in only the operator of the server. The bounds are those of Serve, with 32
// connections; the Shutdown functions are not called. Profiles end with ctx.
//
// ServeAdmin closes the listener.
func (s *Server) ServeAdmin(ctx context.Context, inner net.Listener) error {
	opts := s.opts
	opts.MaxConnections, opts.MaxConnectionsPerAddress = adminConnections, 0
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.exchange(w, r, func(e *exchange, r *http.Request) { s.routeAdmin(ctx, e, r) })
	})
	return s.serve(ctx, limit(inner, opts), handler, nil)
}

// routeAdmin answers a request of the admin socket. stopping ends when the server begins to stop.
func (s *Server) routeAdmin(stopping context.Context, e *exchange, r *http.Request) {
	e.caller, e.varies = auth.LocalName, true
	if isTooLarge(r) {
		s.refuseSize(e)
		return
	}
	switch path := strings.TrimPrefix(r.URL.Path, "/v1"); {
	case path == "/tokens", strings.HasPrefix(path, "/tokens/"), strings.HasPrefix(path, "/secrets/"):
		s.whenReady(s.opts.REST, e, r.WithContext(auth.NewContext(r.Context(), auth.Local)))
	case strings.HasPrefix(r.URL.Path, "/debug/pprof/"):
		s.profile(stopping, e, r)
	default:
		problem.Problem{Kind: fault.NotFound, RequestID: e.id,
			Detail: "the admin socket has tokens, at /tokens and /secrets, and profiles, at /debug/pprof/; all else is at the server's address"}.Write(e)
	}
}

// profile answers with a profile of this process. The command line is not among them, since it may
// have the password of the store.
func (s *Server) profile(stopping context.Context, e *exchange, r *http.Request) {
	if text := r.FormValue("seconds"); text != "" {
		seconds, err := strconv.Atoi(text)
		if most := int(maxProfileTime.Seconds()); err != nil || seconds < 1 || seconds > most {
			problem.Problem{Kind: fault.InvalidInput, RequestID: e.id, Detail: "seconds must be a number from 1 to " + strconv.Itoa(most)}.Write(e)
			return
		}
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(stopping, cancel)()
	r = r.WithContext(ctx)
	switch strings.TrimPrefix(r.URL.Path, "/debug/pprof/") {
	case "cmdline":
		problem.Problem{Kind: fault.NotFound, RequestID: e.id, Detail: "the command line is not shown, since it may have a password"}.Write(e)
	case "profile":
		pprof.Profile(e, r)
	case "trace":
		pprof.Trace(e, r)
	case "symbol":
		pprof.Symbol(e, r)
	default:
		pprof.Index(e, r)
	}
}
