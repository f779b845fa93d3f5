package rest

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"configapi/internal/config"
	"configapi/internal/excerpt"
)

// The query parameters of the routes that refuse unknown ones. Other routes ignore unknown
// parameters, as the system before this one did.
var (
	listParameters   = []string{"prefix", "first", "after", "wait", "consistency"}
	eventsParameters = []string{"prefix", "after"}
	noParameters     []string
)

var errBadQuery = &config.InvalidError{Field: "query", Rule: "must be name=value, separated by &, with % before two hex digits"}

// maxQuoted is how many bytes of a parameter's name an error repeats.
const maxQuoted = 48

// checkParameters returns an error about a query that has an unknown parameter. It ignores names
// that begin with _, which clients use to get past caches.
func checkParameters(query string, known []string) error {
	if query == "" {
		return nil
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return errBadQuery
	}
	unknown := ""
	for name := range params {
		if strings.HasPrefix(name, "_") || slices.Contains(known, name) {
			continue
		}
		if unknown == "" || name < unknown { // always the same one
			unknown = name
		}
		if name == "" {
			return &config.InvalidError{Field: "query", Rule: "has a parameter without a name"}
		}
	}
	if unknown == "" {
		return nil
	}
	rule := "has an unknown parameter " + strconv.Quote(excerpt.Of(unknown, maxQuoted)) + "; there are none here"
	if len(known) > 0 {
		rule = "has an unknown parameter " + strconv.Quote(excerpt.Of(unknown, maxQuoted)) + "; known are " + strings.Join(known, ", ")
	}
	return &config.InvalidError{Field: "query", Rule: rule}
}

// parameter returns a parameter of a query, which may be given once.
func parameter(query, name string) (value string, given bool, err error) {
	if query == "" {
		return "", false, nil
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return "", false, errBadQuery
	}
	values := params[name]
	switch len(values) {
	case 0:
		return "", false, nil
	case 1:
		return values[0], true, nil
	}
	return "", false, &config.InvalidError{Field: name, Rule: "is given more than once"}
}

// parseFilter returns the filter of a list or a stream.
func parseFilter(query string) (config.Filter, error) {
	prefix, given, err := parameter(query, "prefix")
	if err != nil || !given {
		return config.Filter{}, err
	}
	return config.ParseFilter(prefix, nil)
}

// percentDecoded decodes ASCII text in which % stands before two hex digits. A + stands for itself.
func percentDecoded(text string) (decoded string, ok bool) {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	decoded, err := url.PathUnescape(text)
	return decoded, err == nil
}
