package rest

import (
	"net/http"
	"strings"

	"configapi/internal/content"
	"configapi/internal/eventstream"
	"configapi/internal/problem"
)

// acceptsEvents reports whether a client accepts an event stream. The most specific range of its
// Accept header counts; a client without the header accepts anything.
func acceptsEvents(accept []string) bool {
	if strings.Join(accept, "") == "" {
		return true
	}
	return content.ParseAccept(accept).Quality(eventstream.ContentType, "text/*", "*/*") > 0
}

// prefersJSON reports whether a client gets a config as a JSON object: its Accept header gives JSON
// a higher quality than each of text/plain, text/* and */* in it. A tie is no preference: many
// clients send `application/json, text/plain, */*`.
func prefersJSON(h http.Header) bool {
	lines := h["Accept"]
	if len(lines) == 0 || len(lines) == 1 && lines[0] == "*/*" { // the fast path
		return false
	}
	accept := content.ParseAccept(lines)
	return accept.Quality(content.JSON, "application/*") > qualityOfText(accept)
}

// prefersProblem reports, by the same rule, whether a client gets problem details where clients of
// old have a fixed text.
func prefersProblem(h http.Header) bool {
	accept := content.ParseAccept(h["Accept"])
	json := accept.Quality(content.JSON, "application/*")
	return max(json, accept.Quality(problem.ContentType)) > qualityOfText(accept)
}

// qualityOfText is the highest quality that an Accept header gives to anything that plain text is.
func qualityOfText(accept content.Accept) float64 {
	return max(accept.Quality("text/plain"), accept.Quality("text/*"), accept.Quality("*/*"))
}
