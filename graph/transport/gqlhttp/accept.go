package gqlhttp

import (
	"strings"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/content"
	"configapi/internal/eventstream"
)

// Accepted chooses the form of the answer from the values of the Accept header. A client that says
// nothing, or takes anything, gets application/json: clients that want another form say so. Of two
// that are equally welcome the one that is named first wins.
func Accepted(accept []string) gqlmsg.Media {
	if len(accept) == 1 && (accept[0] == "*/*" || accept[0] == content.JSON) || strings.Join(accept, "") == "" {
		return gqlmsg.MediaJSON // the fast path
	}
	return acceptedOf(content.ParseAccept(accept))
}

func acceptedOf(accept content.Accept) gqlmsg.Media {
	json := accept.Of(content.JSON, "application/*", "*/*")
	response := accept.Of("application/graphql-response+json", "application/*", "*/*")
	events := accept.Of(eventstream.ContentType)
	switch {
	case isBetter(events, json) && isBetter(events, response):
		return gqlmsg.MediaEventStream
	case isBetter(response, json):
		return gqlmsg.MediaResponse
	case json.Quality > 0:
		return gqlmsg.MediaJSON
	}
	return gqlmsg.MediaNone
}

// isBetter compares the quality first. A type that is named wins over one that only a wildcard
// covers, then the order decides. Of two that the same wildcard covers, neither is better.
func isBetter(p, other content.Preference) bool {
	switch {
	case p.Quality != other.Quality:
		return p.Quality > other.Quality
	case p.Range != other.Range:
		return p.Quality > 0 && p.Range < other.Range
	}
	return p.Quality > 0 && p.Place < other.Place
}
