package rest

import (
	"mime"
	"strconv"
	"strings"

	"configapi/internal/eventstream"
)

// acceptsEvents tells whether a client takes an event stream, going by its Accept header: what says most about it counts. Who
// says nothing takes anything.
func acceptsEvents(accept []string) bool {
	header := strings.Join(accept, ",")
	if header == "" {
		return true
	}
	rank, accepts := 0, false
	for mediaRange := range strings.SplitSeq(header, ",") {
		name, params, err := mime.ParseMediaType(mediaRange)
		if err != nil {
			continue
		}
		if r := rankOf(name); r > rank {
			quality, err := strconv.ParseFloat(params["q"], 64)
			rank, accepts = r, err != nil || quality > 0
		}
	}
	return accepts
}

// rankOf is how much a media range says about event streams. 0: nothing.
func rankOf(mediaRange string) int {
	switch mediaRange {
	case eventstream.ContentType:
		return 3
	case "text/*":
		return 2
	case "*/*":
		return 1
	default:
		return 0
	}
}
