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
	name     string // of the config, decoded, not checked yet
	instant  string // likewise, of a resource past
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
)

// operation returns what the method does to the resource. HEAD is a GET of whose answer the server
// sends the headers alone.
func (r route) operation(method string) operation {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch r.resource {
	case everything:
		if method == http.MethodGet {
			return list
		}
	case one:
		switch method {
		case http.MethodGet:
			return read
		case http.MethodPut:
			return set
		case http.MethodDelete:
			return remove
		}
	case revisions:
		if method == http.MethodGet {
			return history
		}
	case past:
		if method == http.MethodGet {
			return readAt
		}
	case restoring:
		if method == http.MethodPost {
			return restore
		}
	case events:
		if method == http.MethodGet {
			return watch
		}
	}
	return unsupported
}

// allow returns the methods that have an operation, as the header Allow lists them.
func (r route) allow() string {
	switch r.resource {
	case one:
		return "GET, HEAD, PUT, DELETE"
	case restoring:
		return "POST"
	default:
		return "GET, HEAD"
	}
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
	if word == "events" {
		return route{resource: events}, s.done
	}
	if word != "config" {
		return route{}, false
	}
	if s.done {
		return route{resource: everything}, true
	}
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
		r.resource, r.instant = past, s.next()
	default:
		return route{}, false
	}
	return r, s.done
}

// reads reports whether the operation changes nothing.
func (o operation) reads() bool {
	switch o {
	case set, remove, restore:
		return false
	}
	return true
}

// parameters returns the query parameters that the operation knows, and reports whether it refuses
// others. The reads of a single config do not: the system before this one took any there.
func (o operation) parameters() (known []string, strict bool) {
	switch o {
	case list:
		return listParameters, true
	case watch:
		return eventsParameters, true
	case set, remove, restore:
		return noParameters, true
	}
	return nil, false
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
