// Package origin decides which requests of browsers are answered, by the Host header and by the
// origin of the page that sent the request.
//
// The check of the host stops DNS rebinding: a page of evil.example, whose name suddenly resolves
// to 127.0.0.1, has the same origin as the server for its browser. Only the Host header shows the
// name.
//
// The check of the origin stops other sites, since a browser sends any page's requests to any
// server. The headers Origin and Sec-Fetch-Site, which no script can change, name the page. A
// request with neither comes from a program or a very old browser, and is allowed.
//
// All rules of this kind are in this package. The HTTP server applies them once per request before
// any edge sees it, so they are the same for REST, GraphQL, websockets and event streams. The
// package does not authenticate anybody.
package origin

import (
	"net/http"
	"strings"
)

// Options of a [Guard]. The zero value allows IP addresses, localhost, and pages of the server
// itself.
type Options struct {
	// Listen is the address that the server listens on, as host:port. Its host is allowed.
	Listen string
	// Hosts are further allowed hosts: names, `*.suffix` for all names below a suffix, or `*` for
	// any host. Ports are ignored.
	Hosts []string
	// Origins are origins of pages that may do what the server's own pages may, such as
	// "https://console.example.com", or `*` for any origin.
	Origins []string
}

// Guard checks requests. It is immutable and safe for concurrent use.
type Guard struct {
	hosts   hosts
	origins origins
}

// New returns a guard. It returns an error for a host or an origin that no browser sends; the error
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

// ServesHost reports whether the host of a request is allowed. Letter case, the port and a final
// dot are ignored. A request without a host is allowed if it is HTTP/1.0, or if any host is.
func (g *Guard) ServesHost(r *http.Request) bool {
	if r.Host == "" {
		return g.hosts.any || !r.ProtoAtLeast(1, 1)
	}
	return g.hosts.allow(r.Host)
}

// Decision is what a request's origin allows.
type Decision int

const (
	// Refused means that the page must not send this request.
	Refused Decision = iota
	// SameOrigin means a page of the server itself, a program, or a link that a person follows.
	SameOrigin
	// Allowed means a page of one of [Options.Origins]. The answer must have the headers of
	// [Guard.SetHeaders], or the browser hides it from the page.
	Allowed
)

// Check decides by the origin of a request. It does not check the host, see [Guard.ServesHost].
func (g *Guard) Check(r *http.Request) Decision {
	from, sites := r.Header["Origin"], r.Header["Sec-Fetch-Site"]
	if len(from) == 0 && len(sites) == 0 {
		return SameOrigin // the fast path: not a browser
	}
	if len(from) > 1 || len(sites) > 1 {
		return Refused
	}
	if g.origins.any || len(from) == 1 && g.origins.allow(from[0]) {
		return Allowed
	}
	if len(sites) == 0 {
		return sameOriginIf(isOf(from[0], r.Host))
	}
	switch sites[0] {
	case "same-origin", "none":
		return SameOrigin
	}
	return sameOriginIf(isNavigation(r) || isWebsocket(r) && len(from) == 1 && isOf(from[0], r.Host))
}

func sameOriginIf(is bool) Decision {
	if is {
		return SameOrigin
	}
	return Refused
}

// isNavigation reports whether a person follows a link, so that no page can read the answer. Frames
// do not count. Queries at /graphql do not count either: a link to an expensive one would be an
// attack.
func isNavigation(r *http.Request) bool {
	return r.Method == http.MethodGet && len(r.Header["Origin"]) == 0 && r.URL.Path != graphqlPath &&
		hasOnly(r.Header, "Sec-Fetch-Mode", "navigate") && hasOnly(r.Header, "Sec-Fetch-Dest", "document")
}

// graphqlPath is the path where a GET can execute a query.
const graphqlPath = "/graphql"

// isWebsocket reports whether the request opens a websocket. Browsers differ in its Sec-Fetch-Site,
// since ws and http are different schemes, but all send Origin.
func isWebsocket(r *http.Request) bool {
	upgrades := r.Header["Upgrade"]
	return len(upgrades) == 1 && strings.EqualFold(upgrades[0], "websocket")
}

func hasOnly(h http.Header, name, value string) bool {
	values := h[name]
	return len(values) == 1 && values[0] == value
}
