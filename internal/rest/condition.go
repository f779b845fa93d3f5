package rest

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"configapi/internal/config"
)

const (
	ifMatch     = "If-Match"
	ifNoneMatch = "If-None-Match"

	idempotencyKey = "Idempotency-Key"
)

// condition is on what a client makes a change depend, and the key with which it may send it again.
type condition struct {
	version *config.Version // what the config must have; nil: anything
	absent  bool            // the config must not exist
	key     config.IdempotencyKey
}

// parseCondition reads the conditions of a change. The error is an [*config.InvalidError] that names the header.
func parseCondition(h http.Header) (condition, error) {
	c, err := parseMatch(h)
	if err == nil {
		c.key, err = parseKey(h)
	}
	return c, err
}

func parseKey(h http.Header) (config.IdempotencyKey, error) {
	lines := h[idempotencyKey]
	switch len(lines) {
	case 0:
		return config.IdempotencyKey{}, nil
	case 1:
		key, err := config.ParseIdempotencyKey(lines[0])
		var invalid *config.InvalidError
		if errors.As(err, &invalid) {
			invalid.Field = idempotencyKey
		}
		return key, err
	}
	return config.IdempotencyKey{}, &config.InvalidError{Field: idempotencyKey, Rule: "must be given once"}
}

func parseMatch(h http.Header) (condition, error) {
	match, noneMatch := h[ifMatch], h[ifNoneMatch]
	switch {
	case len(match) == 0 && len(noneMatch) == 0:
		return condition{}, nil
	case len(match) > 0 && len(noneMatch) > 0:
		return condition{}, &config.InvalidError{Field: ifMatch, Rule: "cannot be combined with If-None-Match on a change"}
	case len(noneMatch) > 0:
		if len(noneMatch) > 1 || noneMatch[0] != "*" {
			return condition{}, &config.InvalidError{Field: ifNoneMatch, Rule: "must be * on a change: the config must not exist"}
		}
		return condition{absent: true}, nil
	}
	version, ok := parseTag(match[0])
	if !ok || len(match) > 1 {
		return condition{}, &config.InvalidError{Field: ifMatch, Rule: `must be one quoted version, such as "3"`}
	}
	return condition{version: &version}, nil
}

// expected is the version that a command is to expect. A config that does not exist has none, or is deleted, which a
// command finds out before it looks at versions.
func (c condition) expected() *config.Version {
	if c.absent {
		return new(config.Version)
	}
	return c.version
}

// parseTag reads an entity tag as this service gives them: a version from 1 on in quotes, written in the one way.
func parseTag(tag string) (v config.Version, ok bool) {
	if len(tag) < 3 || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return 0, false
	}
	digits := tag[1 : len(tag)-1]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || strconv.Itoa(n) != digits {
		return 0, false
	}
	return config.Version(n), true
}

// known tells whether the client of a read has this version already. Reads get the whole of RFC 9110 here: lists, weak tags
// and `*`; caches send them, and one that is not understood costs an answer in full, no more.
func known(h http.Header, version config.Version) bool {
	for _, line := range h[ifNoneMatch] {
		if line == "*" {
			return true
		}
		for tag := range strings.SplitSeq(line, ",") {
			tag = strings.TrimPrefix(strings.Trim(tag, " \t"), "W/")
			if v, ok := parseTag(tag); ok && v == version {
				return true
			}
		}
	}
	return false
}
