package origin

import "net/http"

// Values of CORS headers. Answers share the slices, which must not be
// changed: BenchmarkServer of internal/httpd ("get, of a browser") shows what that saves.
var (
	anyOrigin      = []string{"*"}
	sameOrigin     = []string{"same-origin"}
	crossOrigin    = []string{"cross-origin"}
	exposedHeaders = []string{"ETag, Config-Position, Config-Version, Link, Retry-After, WWW-Authenticate, X-Request-Id"}
	allowedMethods = []string{"GET, HEAD, POST, PUT, DELETE, OPTIONS"}
	allowedHeaders = []string{"Accept, Authorization, Cache-Control, Content-Type, If-Match, If-None-Match, " +
		"Idempotency-Key, Config-At-Least, Config-Reason, Config-Only-If-Changed, Config-Restore, Last-Event-ID, " +
		"X-Request-Id, traceparent, tracestate"}
	preflightAge = []string{"600"}
)

// SetHeaders adds the headers by which a browser decides which pages may read the answer. It must
// be called after all other headers are set. Credentials are never allowed.
func (g *Guard) SetHeaders(answer http.Header, r *http.Request, decision Decision) {
	// Every answer has it: over plain HTTP, a browser's request for an image does not name its
	// page.
	if g.origins.any {
		answer["Cross-Origin-Resource-Policy"] = crossOrigin
	} else {
		answer["Cross-Origin-Resource-Policy"] = sameOrigin
	}
	if len(g.origins.listed) > 0 && !g.origins.any {
		// on every answer: a cache must not give one without CORS headers to an allowed page
		answer.Add("Vary", "Origin")
	}
	if decision != Allowed {
		return
	}
	if g.origins.any {
		answer["Access-Control-Allow-Origin"] = anyOrigin
	} else {
		answer["Access-Control-Allow-Origin"] = r.Header["Origin"][:1:1]
	}
	answer["Access-Control-Expose-Headers"] = exposedHeaders
}

// IsPreflight reports whether the request is a CORS preflight of an allowed page.
func IsPreflight(r *http.Request, decision Decision) bool {
	return r.Method == http.MethodOptions && decision == Allowed && len(r.Header["Origin"]) == 1
}

// AnswerPreflight answers a preflight with 204. The caller must call [Guard.SetHeaders] as well.
func (g *Guard) AnswerPreflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Access-Control-Allow-Methods"] = allowedMethods
	h["Access-Control-Allow-Headers"] = allowedHeaders
	h["Access-Control-Max-Age"] = preflightAge
	h["Vary"] = []string{"Access-Control-Request-Method, Access-Control-Request-Headers"}
	if hasOnly(r.Header, "Access-Control-Request-Private-Network", "true") {
		h["Access-Control-Allow-Private-Network"] = []string{"true"}
	}
	w.WriteHeader(http.StatusNoContent)
}
