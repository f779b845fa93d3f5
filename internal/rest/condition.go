package rest

import (
	"errors"
	"net/http"

	"configapi/internal/config"
)

const (
	ifMatch     = "If-Match"
	ifNoneMatch = "If-None-Match"

	idempotencyKey      = "Idempotency-Key"
	configReason        = "Config-Reason"
	configOnlyIfChanged = "Config-Only-If-Changed"
	configRestore       = "Config-Restore"
)

// terms are what the headers of a change say about it.
type terms struct {
	version    *config.Version // that the config must have; nil: any
	conditions []config.Condition
	key        config.IdempotencyKey
	reason     config.Reason

	onlyIfChanged, restoreDeleted bool // for a set alone
}

// parseTerms reads the headers of a change. The error is a [*config.InvalidError] that names the
// header.
func parseTerms(op operation, h http.Header) (t terms, err error) {
	if err = t.parseConditions(h); err != nil {
		return terms{}, err
	}
	if t.key, err = parseKey(h); err != nil {
		return terms{}, err
	}
	if t.reason, err = parseReason(h); err != nil {
		return terms{}, err
	}
	if t.onlyIfChanged, err = parseSwitch(op, h, configOnlyIfChanged); err != nil {
		return terms{}, err
	}
	t.restoreDeleted, err = parseSwitch(op, h, configRestore)
	return t, err
}

// parseConditions reads If-Match and If-None-Match. Both must hold when both are there.
//
// What they mean is a [config.Condition], but for the two that clients have sent since before there
// were any: one bare version is an expected version, and a lone `If-None-Match: *` is version 0. So
// their requests keep the hash that tells a repeated request, also over an upgrade of the server.
func (t *terms) parseConditions(h http.Header) error {
	match, noneMatch := h[ifMatch], h[ifNoneMatch]
	if len(match) > 0 {
		tags, any, ok := parseTags(match)
		if !ok {
			return errNoTags(ifMatch)
		}
		if version := bareVersion(tags); version != nil && len(noneMatch) == 0 {
			t.version = version
		} else {
			t.conditions = append(t.conditions, config.Condition{Any: any, Revisions: strongMatches(tags)})
		}
	}
	if len(noneMatch) > 0 {
		tags, any, ok := parseTags(noneMatch)
		if !ok {
			return errNoTags(ifNoneMatch)
		}
		t.conditions = append(t.conditions, config.Condition{Any: any, Revisions: weakMatches(tags), Not: true})
	}
	return nil
}

// mustNotExist reports whether `If-None-Match: *` is all that the config has to fulfil.
func (t *terms) mustNotExist() bool {
	return t.version == nil && len(t.conditions) == 1 && t.conditions[0].Any && t.conditions[0].Not
}

func errNoTags(header string) error {
	return &config.InvalidError{Field: header, Rule: `must be * or entity tags such as "3-9f3a21c0", separated by commas`}
}

// bareVersion returns the version when a single tag is one, as the tags of old were. nil: it is
// not.
func bareVersion(tags []entityTag) *config.Version {
	if len(tags) != 1 || tags[0].weak {
		return nil
	}
	m, ok := parseRevisionTag(tags[0].opaque)
	if !ok || !m.AnyHash {
		return nil
	}
	return &m.Version
}

// strongMatches returns the revisions that If-Match names. Weak tags never match there, and tags of
// something else name no revision.
func strongMatches(tags []entityTag) []config.RevisionMatch {
	var matches []config.RevisionMatch
	for _, tag := range tags {
		if m, ok := parseRevisionTag(tag.opaque); ok && !tag.weak {
			matches = append(matches, m)
		}
	}
	return matches
}

// weakMatches returns the revisions that If-None-Match names. A bare version names none there: the
// client that knows it may have another history's.
func weakMatches(tags []entityTag) []config.RevisionMatch {
	var matches []config.RevisionMatch
	for _, tag := range tags {
		if m, ok := parseRevisionTag(tag.opaque); ok && !m.AnyHash {
			matches = append(matches, m)
		}
	}
	return matches
}

func parseKey(h http.Header) (config.IdempotencyKey, error) {
	text, given, err := single(h, idempotencyKey)
	if err != nil || !given {
		return config.IdempotencyKey{}, err
	}
	key, err := config.ParseIdempotencyKey(text)
	return key, inHeader(idempotencyKey, err)
}

// parseReason reads a reason, which is percent-encoded UTF-8: a header has ASCII alone.
func parseReason(h http.Header) (config.Reason, error) {
	text, given, err := single(h, configReason)
	if err != nil || !given {
		return config.Reason{}, err
	}
	decoded, ok := percentDecoded(text)
	if !ok {
		return config.Reason{}, &config.InvalidError{Field: configReason,
			Rule: "must be ASCII, in which % stands before two hex digits: percent-encoded UTF-8, as encodeURIComponent makes it"}
	}
	reason, err := config.ParseReason(decoded)
	return reason, inHeader(configReason, err)
}

// parseSwitch reads a header that is true or false, of which only a set may have a true one.
func parseSwitch(op operation, h http.Header, header string) (on bool, err error) {
	text, given, err := single(h, header)
	switch {
	case err != nil || !given || text == "false":
		return false, err
	case text != "true":
		return false, &config.InvalidError{Field: header, Rule: "must be true or false"}
	case op != set:
		return false, &config.InvalidError{Field: header, Rule: "can only be true on a PUT"}
	}
	return true, nil
}

// single reads a header that may be given once.
func single(h http.Header, header string) (text string, given bool, err error) {
	switch lines := h[header]; len(lines) {
	case 0:
		return "", false, nil
	case 1:
		return lines[0], true, nil
	}
	return "", false, &config.InvalidError{Field: header, Rule: "must be given once"}
}

// inHeader has an error about an input name the header that it came in.
func inHeader(header string, err error) error {
	var invalid *config.InvalidError
	if errors.As(err, &invalid) {
		invalid.Field = header
	}
	return err
}
