package rest

import (
	"net/http"
	"net/url"
	"strings"

	"configapi/internal/config"
)

// route is what a path stands for.
type route struct {
	resource resource
	name     string // of the config or the token, or a public id; decoded, not checked yet
	at       string // likewise: the instant of a resource past, the position of a resource reverting
}

// resource is one of the things that have a path.
type resource int

const (
	everything resource = iota // all configs
	one                        // one config
	revisions                  // what happened to one config
	past                       // one config at an instant
	restoring                  // the restoring of one config
	events                     // what happens to all configs
	changes                    // what happened to all configs, change set by change set
	recent                     // the newest changes of all configs
	reverting                  // the undoing of one change set
	returning                  // the return of configs to a moment
	difference                 // what differs between two moments
	deletions                  // the deleted configs
	children                   // what lies directly below a prefix
	tokens                     // all tokens
	token                      // one token
	secrets                    // the secrets of one token
	grants                     // what one token may do
	secret                     // one secret, by its public id
)

// operation is what a method does to a resource.
type operation int

const (
	unsupported operation = iota
	list
	read
	set
	remove
	history
	readAt
	restore
	watch
	listChanges
	apply
	listRecent
	revertSet
	revert
	diff
	listDeleted
	listChildren
	listTokens
	readToken
	readSecret
	createToken
	rotateToken
	changeGrants
	revokeToken
	operations // how many there are
)

// offer has the operations of a resource's methods. A method that is left out is unsupported.
type offer struct{ get, put, post, delete operation }

var offers = [...]offer{
	everything: {get: list},
	one:        {get: read, put: set, delete: remove},
	revisions:  {get: history},
	past:       {get: readAt},
	restoring:  {post: restore},
	events:     {get: watch},
	changes:    {get: listChanges, post: apply},
	recent:     {get: listRecent},
	reverting:  {post: revertSet},
	returning:  {post: revert},
	difference: {get: diff},
	deletions:  {get: listDeleted},
	children:   {get: listChildren},
	tokens:     {get: listTokens, post: createToken},
	token:      {get: readToken, delete: revokeToken},
	secrets:    {post: rotateToken},
	grants:     {put: changeGrants},
	secret:     {get: readSecret},
}

// operation returns what the method does to the resource. HEAD is a GET of whose answer the server
// sends the headers alone.
func (r route) operation(method string) operation {
	offer := &offers[r.resource]
	switch method {
	case http.MethodGet, http.MethodHead:
		return offer.get
	case http.MethodPut:
		return offer.put
	case http.MethodPost:
		return offer.post
	case http.MethodDelete:
		return offer.delete
	}
	return unsupported
}

// allow returns the methods that have an operation, as the header Allow lists them.
func (r route) allow() string {
	offer, methods := &offers[r.resource], []string(nil)
	if offer.get != unsupported {
		methods = append(methods, "GET, HEAD")
	}
	if offer.post != unsupported {
		methods = append(methods, "POST")
	}
	if offer.put != unsupported {
		methods = append(methods, "PUT")
	}
	if offer.delete != unsupported {
		methods = append(methods, "DELETE")
	}
	return strings.Join(methods, ", ")
}

// wholes are the resources whose path is one word.
var wholes = map[string]resource{
	"config":   everything,
	"events":   events,
	"changes":  changes,
	"revert":   returning,
	"diff":     difference,
	"deleted":  deletions,
	"children": children,
	"tokens":   tokens,
}

// parseRoute returns what a path stands for. It does not clean the path as http.ServeMux does: a
// name with `..` or `//` is left for the rules of names to refuse.
func parseRoute(u *url.URL) (r route, known bool) {
	s := segments{rest: u.Path}
	if u.RawPath != "" { // it is only there where it says more than the decoded path
		s = segments{rest: u.RawPath, escaped: true}
	}
	if before := s.next(); before != "" || s.done {
		return route{}, false
	}
	word := s.next()
	if word == "v1" && !s.done {
		word = s.next()
	}
	switch {
	case s.done:
		r.resource, known = wholes[word]
		return r, known
	case word == "config":
		return parseConfig(s)
	case word == "changes":
		return parseChanges(s)
	case word == "tokens":
		return parseToken(s)
	case word == "secrets":
		return route{resource: secret, name: s.next()}, s.done
	}
	return route{}, false
}

// parseConfig returns what the segments after /config/ stand for.
func parseConfig(s segments) (r route, known bool) {
	r.name = s.next()
	if s.done {
		r.resource = one
		return r, true
	}
	switch s.next() {
	case "history":
		r.resource = revisions
	case "restore":
		r.resource = restoring
	case "at":
		if s.done {
			return route{}, false
		}
		r.resource, r.at = past, s.next()
	default:
		return route{}, false
	}
	return r, s.done
}

// parseChanges returns what the segments after /changes/ stand for.
func parseChanges(s segments) (r route, known bool) {
	first := s.next()
	if s.done {
		return route{resource: recent}, first == "recent"
	}
	return route{resource: reverting, at: first}, s.next() == "revert" && s.done
}

// parseToken returns what the segments after /tokens/ stand for.
func parseToken(s segments) (r route, known bool) {
	r.resource, r.name = token, s.next()
	if s.done {
		return r, true
	}
	switch s.next() {
	case "rotate":
		r.resource = secrets
	case "grants":
		r.resource = grants
	default:
		return route{}, false
	}
	return r, s.done
}

// isOfTokens reports whether the resource is tokens, or a part of one.
func (r route) isOfTokens() bool {
	switch r.resource {
	case tokens, token, secrets, grants, secret:
		return true
	}
	return false
}

// isOfName reports whether the resource is a part of one config.
func (r route) isOfName() bool {
	switch r.resource {
	case one, revisions, past, restoring:
		return true
	}
	return false
}

// isBelowChanges reports whether a path is one of those that begin like those of change sets.
func isBelowChanges(path string) bool {
	return strings.HasPrefix(strings.TrimPrefix(path, "/v1"), "/changes/")
}

// reads reports whether the operation changes nothing.
func (o operation) reads() bool {
	switch o {
	case set, remove, restore, apply, revertSet, revert, createToken, rotateToken, changeGrants, revokeToken:
		return false
	}
	return true
}

// parameters returns the query parameters that the operation knows, and reports whether it refuses
// others. The reads of a single config do not: the system before this one took any there.
func (o operation) parameters() (known []string, strict bool) {
	known = strictParameters[o]
	return known, known != nil || !o.reads()
}

// pathOf returns the path of a config.
func pathOf(name config.Name) string { return "/config/" + url.PathEscape(name.String()) }

// escapedPath returns the path that a client means when it has not escaped the slashes of a name.
// ok is false when it can mean none.
func escapedPath(u *url.URL) (path string, ok bool) {
	rest, v1 := strings.CutPrefix(u.Path, "/v1")
	rest, ok = strings.CutPrefix(rest, "/config/")
	if !ok {
		return "", false
	}
	name, tail := cutTail(rest)
	parsed, err := config.ParseName(name)
	if err != nil || !strings.Contains(name, "/") {
		return "", false
	}
	path = pathOf(parsed) + tail
	if v1 {
		path = "/v1" + path
	}
	return path, true
}

// cutTail cuts off what follows the name of a config in a path.
func cutTail(path string) (name, tail string) {
	for _, tail := range []string{"/history", "/restore"} {
		if name, ok := strings.CutSuffix(path, tail); ok {
			return name, tail
		}
	}
	if i := strings.LastIndex(path, "/at/"); i > 0 {
		if _, err := config.ParseInstant(path[i+len("/at/"):]); err == nil {
			return path[:i], path[i:]
		}
	}
	return path, ""
}

// segments yields the segments of a path one after the other, decoded.
type segments struct {
	rest    string
	escaped bool
	done    bool // there are no more
}

func (s *segments) next() string {
	segment, rest, more := strings.Cut(s.rest, "/")
	s.rest, s.done = rest, !more
	if !s.escaped {
		return segment
	}
	decoded, err := url.PathUnescape(segment)
	if err != nil {
		return segment // the percent sign stays, and no name and no instant has one
	}
	return decoded
}
