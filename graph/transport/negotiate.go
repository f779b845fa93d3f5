package transport

import (
	"mime"
	"strconv"
	"strings"

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
	return negotiateRanges(strings.Join(accept, ","))
}

// preference is what an Accept header says about one media type.
type preference struct {
	specificity int // of the range that decided: 0 none matched, 1 */*, 2 application/*, 3 the type itself
	quality     float64
	order       int // place of that range in the header
}

func negotiateRanges(accept string) mediaType {
	var json, response, events preference
	for order, mediaRange := range strings.Split(accept, ",") {
		name, params, err := mime.ParseMediaType(mediaRange)
		if err != nil {
			continue
		}
		quality := qualityOf(params)
		switch name {
		case "application/json":
			json.consider(preference{3, quality, order})
		case "application/graphql-response+json":
			response.consider(preference{3, quality, order})
		case eventstream.ContentType:
			events.consider(preference{3, quality, order})
		case "application/*":
			json.consider(preference{2, quality, order})
			response.consider(preference{2, quality, order})
		case "*/*":
			json.consider(preference{1, quality, order})
			response.consider(preference{1, quality, order})
		}
	}
	if events.betterThan(json) && events.betterThan(response) {
		return mediaEventStream
	}
	if response.betterThan(json) {
		return mediaResponse
	}
	if json.quality > 0 {
		return mediaJSON
	}
	return mediaNone
}

func (p *preference) consider(other preference) {
	if other.specificity > p.specificity {
		*p = other
	}
}

func (p preference) betterThan(other preference) bool {
	if p.quality != other.quality {
		return p.quality > other.quality
	}
	// Equal quality. A type that is named wins over one that is only covered by a wildcard, then the order decides;
	// covered by the same wildcard, neither is better.
	if p.specificity != other.specificity {
		return p.quality > 0 && p.specificity > other.specificity
	}
	return p.quality > 0 && p.order < other.order
}

func qualityOf(params map[string]string) float64 {
	text, ok := params["q"]
	if !ok {
		return 1
	}
	quality, err := strconv.ParseFloat(text, 64)
	if err != nil || !(quality >= 0 && quality <= 1) {
		return 0
	}
	return quality
}
