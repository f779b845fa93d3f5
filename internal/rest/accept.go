package rest

import (
	"iter"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"configapi/internal/eventstream"
	"configapi/internal/problem"
)

// acceptsEvents reports whether a client accepts an event stream. The most specific range of its
// Accept header counts; a client without the header accepts anything.
func acceptsEvents(accept []string) bool {
	if strings.Join(accept, "") == "" {
		return true
	}
	return qualityOf(accept, eventstream.ContentType, "text/*", "*/*") > 0
}

// prefersJSON reports whether a client gets a config as a JSON object: its Accept header gives JSON
// a higher quality than each of text/plain, text/* and */* in it. A tie is no preference: many
// clients send `application/json, text/plain, */*`.
func prefersJSON(h http.Header) bool {
	accept := h["Accept"]
	if len(accept) == 0 || len(accept) == 1 && accept[0] == "*/*" { // the fast path
		return false
	}
	return qualityOf(accept, jsonText[0], "application/*") > qualityOfText(accept)
}

// prefersProblem reports, by the same rule, whether a client gets problem details where clients of
// old have a fixed text.
func prefersProblem(h http.Header) bool {
	accept := h["Accept"]
	json := qualityOf(accept, jsonText[0], "application/*")
	return max(json, qualityOf(accept, problem.ContentType)) > qualityOfText(accept)
}

// qualityOfText is the highest quality that an Accept header gives to anything that plain text is.
func qualityOfText(accept []string) float64 {
	return max(qualityOf(accept, "text/plain"), qualityOf(accept, "text/*"), qualityOf(accept, "*/*"))
}

// qualityOf returns the quality that an Accept header gives to a media type: that of the first of
// the ranges, which go from the most specific one to the least, that is in it. 0: none is.
func qualityOf(accept []string, ranges ...string) float64 {
	found, quality := len(ranges), 0.0
	for name, q := range mediaRanges(accept) {
		for i, wanted := range ranges[:min(found+1, len(ranges))] {
			if name != wanted {
				continue
			}
			if i < found {
				quality = 0
			}
			found, quality = i, max(quality, q)
		}
	}
	return quality
}

// mediaRanges yields the media ranges of an Accept header, in small letters, with their qualities.
// What cannot be read is left out; a quality that is none counts as 1.
func mediaRanges(accept []string) iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, line := range accept {
			for element := ""; line != ""; {
				element, line = cutElement(line)
				name, params, err := mime.ParseMediaType(element)
				if err != nil {
					continue
				}
				q, err := strconv.ParseFloat(params["q"], 64)
				if err != nil || !(0 <= q && q <= 1) {
					q = 1
				}
				if !yield(name, q) {
					return
				}
			}
		}
	}
}

// cutElement cuts a list at its first comma outside of quotes.
func cutElement(list string) (element, rest string) {
	quoted := false
	for i := 0; i < len(list); i++ {
		switch {
		case list[i] == '"':
			quoted = !quoted
		case quoted && list[i] == '\\':
			i++
		case !quoted && list[i] == ',':
			return list[:i], list[i+1:]
		}
	}
	return list, ""
}
