// Package origin decides which requests of browsers a server answers, by the host that a request
// names and by the page that it comes from.
//
// The host guards against DNS rebinding: a page of evil.example whose name suddenly resolves to
// 127.0.0.1 is, for its browser, a page of the server itself. Only the Host header tells.
//
// The page guards against other sites: a browser sends requests of any page to any server. The
// headers Origin and Sec-Fetch-Site, which no script can change, say whose page it is. Requests
// without both are not from a browser, or from one that is too old to send them, and pass.
//
// It is the one place that knows these rules. The HTTP server asks it once for each request,
// before any edge sees the request, so they are the same for REST, GraphQL, websockets and event
// streams.
package origin

import (
	"net/http"
	"strings"
)

// Options of [New].
type Options struct {
	// Listen is the address that the server listens on, as host:port. Its host is answered for.
	Listen string
	// Hosts are further hosts to answer for: names, `*.suffix` for all names below a suffix, `*`
	// for any host. A port in one is ignored.
	Hosts []string
	// Origins are pages besides the server's own that may do what the server's own may, such as
	// "https://console.example.com"; `*` stands for all pages.
	Origins []string
}

// Guard checks requests. It is immutable, and safe for concurrent use.
type Guard struct {
	hosts   hosts
	origins origins
}

// New returns a guard. It fails on a host or an origin that no request could ever match; the error
// says how to write it.
func New(opts Options) (*Guard, error) {
	hosts, err := parseHosts(opts.Listen, opts.Hosts)
	if err != nil {
		return nil, err
	}
	origins, err := parseOrigins(opts.Origins)
	if err != nil {
		return nil, err
	}
	return &Guard{hosts: hosts, origins: origins}, nil
}

// AnswersFor reports whether the host of a request is one of the server's. Letter case, port and
// one final dot do not count. A request that names no host is answered when it is of HTTP/1.0, or
// when any host will do.
func (g *Guard) AnswersFor(r *http.Request) bool {
	if r.Host == "" {
		return g.hosts.any || !r.ProtoAtLeast(1, 1)
	}
	return g.hosts.allow(r.Host)
}

// Verdict is what a page may do.
type Verdict int

const (
	// Refused is a request of a page that may not send it.
	Refused Verdict = iota
	// Own is a request of the server's own page, of a program, or a link that a person follows.
	Own
	// Allowed is a request of another page that [Options.Origins] name. The answer must have the
	// headers that [Guard.Describe] sets, or the browser keeps it from the page.
	Allowed
)

// Check decides about the page that a request comes from. Whether the server answers for the
// request's host is another question, which comes first.
func (g *Guard) Check(r *http.Request) Verdict {
	from, sites := r.Header["Origin"], r.Header["Sec-Fetch-Site"]
	if len(from) == 0 && len(sites) == 0 {
		return Own // the fast path: no browser
	}
	if len(from) > 1 || len(sites) > 1 {
		return Refused
	}
	if g.origins.any || len(from) == 1 && g.origins.allow(from[0]) {
		return Allowed
	}
	if len(sites) == 0 {
		return own(isOf(from[0], r.Host))
	}
	switch sites[0] {
	case "same-origin", "none":
		return Own
	}
	return own(isNavigation(r) || isWebsocket(r) && len(from) == 1 && isOf(from[0], r.Host))
}

func own(is bool) Verdict {
	if is {
		return Own
	}
	return Refused
}

// isNavigation reports whether a person follows a link, so that no page sees the answer. A frame in
// a page is no such thing. A link cannot run a GraphQL query: it could be made to cost a lot, and
// there is no use for one.
func isNavigation(r *http.Request) bool {
	return r.Method == http.MethodGet && len(r.Header["Origin"]) == 0 && r.URL.Path != graphqlPath &&
		only(r.Header, "Sec-Fetch-Mode", "navigate") && only(r.Header, "Sec-Fetch-Dest", "document")
}

// graphqlPath is where a GET can be a query.
const graphqlPath = "/graphql"

// isWebsocket reports whether the request opens a websocket. Browsers do not agree on what
// Sec-Fetch-Site says there, as ws and http are different schemes, but all of them send Origin.
func isWebsocket(r *http.Request) bool {
	upgrades := r.Header["Upgrade"]
	return len(upgrades) == 1 && strings.EqualFold(upgrades[0], "websocket")
}

func only(h http.Header, name, value string) bool {
	values := h[name]
	return len(values) == 1 && values[0] == value
}
