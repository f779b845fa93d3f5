package transport

import (
	"configapi/internal/content"
	"configapi/internal/eventstream"
)

// mediaType is one of the forms of an answer over HTTP. The two of [HTTP] have the same bytes but other statuses: see
// [mediaType.statusOf].
type mediaType int

const (
	// mediaNone: the client takes none of the forms.
	mediaNone mediaType = iota
	// mediaEventStream is text/event-stream, which is for [SSE].
	mediaEventStream
	// mediaJSON is for clients that know nothing but application/json; to them any status but 200 may look like a broken server.
	mediaJSON
	// mediaResponse is application/graphql-response+json, whose statuses say what happened.
	mediaResponse
)

// Assigned to headers as they are, so that an answer does not allocate them. Never changed.
var (
	contentTypeJSON     = []string{"application/json; charset=utf-8"}
	contentTypeResponse = []string{"application/graphql-response+json; charset=utf-8"}
)

func (m mediaType) contentType() []string {
	if m == mediaResponse {
		return contentTypeResponse
	}
	return contentTypeJSON
}

// negotiate chooses the form of the answer from the values of the Accept header. Who says nothing, or takes anything, gets
// application/json: clients that want another form say so. Of two that are equally welcome the one named first wins.
func negotiate(accept []string) mediaType {
	if len(accept) == 0 {
		return mediaJSON
	}
	if len(accept) == 1 {
		switch accept[0] {
		case "application/json", "*/*", "":
			return mediaJSON
		case "application/graphql-response+json":
			return mediaResponse
		case eventstream.ContentType:
			return mediaEventStream
		}
	}
	return negotiateRanges(accept)
}

func negotiateRanges(accept content.Accept) mediaType {
	json := accept.Of(content.JSON, "application/*", "*/*")
	response := accept.Of("application/graphql-response+json", "application/*", "*/*")
	events := accept.Of(eventstream.ContentType)
	switch {
	case isBetter(events, json) && isBetter(events, response):
		return mediaEventStream
	case isBetter(response, json):
		return mediaResponse
	case json.Quality > 0:
		return mediaJSON
	}
	return mediaNone
}

// isBetter reports whether a client prefers p to other. Of equal qualities, a type that is named
// wins over one that only a wildcard covers, then the one that is named first.
func isBetter(p, other content.Preference) bool {
	switch {
	case p.Quality != other.Quality:
		return p.Quality > other.Quality
	case p.Range != other.Range:
		return p.Quality > 0 && p.Range < other.Range
	}
	return p.Quality > 0 && p.Place < other.Place
}
