package origin

import "net/http"

// Values of CORS headers. The slices are shared by all answers and must not be changed.
var (
	anyOrigin      = []string{"*"}
	sameOrigin     = []string{"same-origin"}
	crossOrigin    = []string{"cross-origin"}
	exposedHeaders = []string{"ETag, Config-Position, Config-Version, Link, Retry-After, X-Request-Id"}
	allowedMethods = []string{"GET, HEAD, POST, PUT, DELETE, OPTIONS"}
	allowedHeaders = []string{"Accept, Authorization, Cache-Control, Content-Type, If-Match, If-None-Match, " +
		"Idempotency-Key, Config-At-Least, Config-Reason, Config-Only-If-Changed, Config-Restore, Last-Event-ID, " +
		"X-Request-Id, traceparent, tracestate"}
	preflightAge = []string{"600"}
)

// Describe adds the headers by which a browser decides which pages may read the answer. It must be
// called when all other headers are set. Credentials are never allowed.
func (g *Guard) Describe(answer http.Header, r *http.Request, verdict Verdict) {
	// Every answer has it: over plain HTTP a browser's request for a picture says nothing of its page.
	if g.origins.any {
		answer["Cross-Origin-Resource-Policy"] = crossOrigin
	} else {
		answer["Cross-Origin-Resource-Policy"] = sameOrigin
	}
	if len(g.origins.listed) > 0 && !g.origins.any {
		answer.Add("Vary", "Origin") // also on answers to others: a cache must not give those to an allowed page
	}
	if verdict != Allowed {
		return
	}
	if g.origins.any {
		answer["Access-Control-Allow-Origin"] = anyOrigin
	} else {
		answer["Access-Control-Allow-Origin"] = r.Header["Origin"][:1:1]
	}
	answer["Access-Control-Expose-Headers"] = exposedHeaders
}

// IsPreflight reports whether the request is the question of a browser what an allowed page may
// send.
func IsPreflight(r *http.Request, verdict Verdict) bool {
	return r.Method == http.MethodOptions && verdict == Allowed && len(r.Header["Origin"]) == 1
}

// AnswerPreflight answers the question with 204. [Guard.Describe] must be called for it as well.
func (g *Guard) AnswerPreflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Access-Control-Allow-Methods"] = allowedMethods
	h["Access-Control-Allow-Headers"] = allowedHeaders
	h["Access-Control-Max-Age"] = preflightAge
	h["Vary"] = []string{"Access-Control-Request-Method, Access-Control-Request-Headers"}
	if only(r.Header, "Access-Control-Request-Private-Network", "true") {
		h["Access-Control-Allow-Private-Network"] = []string{"true"}
	}
	w.WriteHeader(http.StatusNoContent)
}
