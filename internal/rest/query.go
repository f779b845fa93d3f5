package rest

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/excerpt"
	"configapi/internal/fault"
)

// strictParameters are the query parameters of the reads that refuse unknown ones. Other reads
// ignore unknown parameters, as the system before this one did; writes have none.
var strictParameters = [operations][]string{
	list:         {"prefix", "at", "view", "first", "after", "wait", "consistency"},
	watch:        {"prefix", "after"},
	listChanges:  {"prefix", "first", "after", "wait", "consistency"},
	listRecent:   {"prefix", "name", "actor", "operation", "since", "until", "first", "after", "wait", "consistency"},
	diff:         {"from", "to", "prefix", "toPrefix", "first", "after", "wait", "consistency"},
	listDeleted:  {"prefix", "contains", "first", "after", "wait", "consistency"},
	listChildren: {"prefix", "first", "after", "wait", "consistency"},
	listTokens:   {"first", "after", "wait", "consistency"},
	readToken:    {"wait", "consistency"},
	readSecret:   {"wait", "consistency"},
}

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

// parseFirst returns how many elements a page may have: standard when the parameter is not given.
func parseFirst(query string, standard int) (int, error) {
	text, given, err := parameter(query, "first")
	if err != nil || !given {
		return standard, err
	}
	first, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(first) != text || first < 1 || first > configstore.MaxPageSize {
		return 0, &config.InvalidError{Field: "first", Rule: "must be a number from 1 to " + strconv.Itoa(configstore.MaxPageSize)}
	}
	return first, nil
}

// parseInstant returns the instant that a parameter has, nil when it is not given.
func parseInstant(query, name string) (*time.Time, error) {
	text, given, err := parameter(query, name)
	if err != nil || !given {
		return nil, err
	}
	instant, err := config.ParseInstant(text)
	if err != nil {
		return nil, &config.InvalidError{Field: name,
			Rule: "must be an RFC 3339 instant with an offset, such as 2024-01-15T10:30:00Z; a + in it is written as %2B"}
	}
	return &instant, nil
}

// parseAt returns the moment of the past that a read asks for, nil when it asks for none.
func parseAt(query string) (*configstore.PointInTime, error) {
	text, given, err := parameter(query, "at")
	if err != nil || !given {
		return nil, err
	}
	at, err := parseMoment("at", text)
	return &at, err
}

// parseMoment returns the moment that a text names: a position, or an instant. Only instants have
// colons. The error names the field.
func parseMoment(field, text string) (at configstore.PointInTime, err error) {
	if strings.Contains(text, ":") {
		if at.Instant, err = config.ParseInstant(text); err != nil {
			return at, &config.InvalidError{Field: field, Rule: momentRule + "; a + in a query is written as %2B"}
		}
		return at, nil
	}
	if at.Position, err = eventstore.ParsePosition(text); err != nil {
		return at, fmt.Errorf("%s %s; %w", field, momentRule, fault.ErrPositionUnknown)
	}
	return at, nil
}

const momentRule = "must be a position such as 1842-9f3a21c0, or an RFC 3339 instant with an offset, such as 2024-01-15T10:30:00Z"

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
