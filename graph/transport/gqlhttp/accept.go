package gqlhttp

import (
	"mime"
	"strconv"
	"strings"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/eventstream"
)

// Accepted chooses the form of the answer from the values of the Accept header. A client that says
// nothing, or takes anything, gets application/json: clients that want another form say so. Of two
// that are equally welcome the one that is named first wins.
func Accepted(accept []string) gqlmsg.Media {
	if list := strings.Join(accept, ","); list != "" {
		return acceptedOf(list)
	}
	return gqlmsg.MediaJSON
}

// preference is what an Accept header says about one media type.
type preference struct {
	// specificity is that of the range that decided: 0 none matched, 1 */*, 2 application/*, 3 the
	// type itself.
	specificity int
	quality     float64
	order       int // of that range in the header
}

func acceptedOf(accept string) gqlmsg.Media {
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
		return gqlmsg.MediaEventStream
	}
	if response.betterThan(json) {
		return gqlmsg.MediaResponse
	}
	if json.quality > 0 {
		return gqlmsg.MediaJSON
	}
	return gqlmsg.MediaNone
}

func (p *preference) consider(other preference) {
	if other.specificity > p.specificity {
		*p = other
	}
}

// betterThan compares the quality first. A type that is named wins over one that only a wildcard
// covers, then the order decides. Of two that the same wildcard covers, neither is better.
func (p preference) betterThan(other preference) bool {
	if p.quality != other.quality {
		return p.quality > other.quality
	}
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
