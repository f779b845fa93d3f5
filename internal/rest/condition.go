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

// fieldsOf reads the headers of a change. The error is a [*config.InvalidError] that names the
// header.
func fieldsOf(op operation, name config.Name, h http.Header) (f config.Fields, err error) {
	f.Name = name.String()
	if err = readConditions(&f, h); err != nil {
		return f, err
	}
	if f.IdempotencyKey, err = single(h, idempotencyKey); err != nil {
		return f, err
	}
	if f.Reason, err = readReason(h); err != nil {
		return f, err
	}
	if f.OnlyIfChanged, err = readSwitch(op, h, configOnlyIfChanged); err != nil {
		return f, err
	}
	if f.RestoreDeleted, err = readSwitch(op, h, configRestore); err != nil {
		return f, err
	}
	simplify(&f, op)
	return f, nil
}

// readConditions reads If-Match and If-None-Match. Both must hold when both are there.
//
// What they mean is a [config.Condition], except that one bare version, from clients of old, is an
// expected version.
func readConditions(f *config.Fields, h http.Header) error {
	match, noneMatch := h[ifMatch], h[ifNoneMatch]
	if len(match) > 0 {
		tags, any, ok := parseTags(match)
		if !ok {
			return errNoTags(ifMatch)
		}
		if version := bareVersion(tags); version != nil && len(noneMatch) == 0 {
			f.ExpectedVersion = version
		} else {
			f.Conditions = append(f.Conditions, config.Condition{Any: any, Revisions: matches(tags, canMatchStrongly)})
		}
	}
	if len(noneMatch) > 0 {
		tags, any, ok := parseTags(noneMatch)
		if !ok {
			return errNoTags(ifNoneMatch)
		}
		f.Conditions = append(f.Conditions, config.Condition{Any: any, Revisions: matches(tags, canMatchWeakly), Not: true})
	}
	return nil
}

// simplify replaces a lone `If-None-Match: *`, as clients have sent it since before there were
// conditions, by version 0. So their requests keep the hash that tells a repeated request, also
// over an upgrade of the server. A set that restores keeps the condition, since a deleted config
// has a version; a restore needs none, since what is restored never exists.
func simplify(f *config.Fields, op operation) {
	if len(f.Conditions) != 1 || !f.Conditions[0].Any || !f.Conditions[0].Not || f.ExpectedVersion != nil || f.RestoreDeleted {
		return
	}
	f.Conditions = nil
	if op != restore {
		f.ExpectedVersion = new(int64)
	}
}

func errNoTags(header string) error {
	return &config.InvalidError{Field: header, Rule: `must be * or entity tags such as "3-9f3a21c0", separated by commas`}
}

// bareVersion returns the version when a single tag is one, as the tags of old were, and nil when
// it is not.
func bareVersion(tags []entityTag) *int64 {
	if len(tags) != 1 || tags[0].weak {
		return nil
	}
	m, ok := parseRevisionTag(tags[0].opaque)
	if !ok || !m.AnyHash {
		return nil
	}
	return new(int64(m.Version))
}

// matches returns the revisions that tags name, as far as they match. Tags of something else name
// none.
func matches(tags []entityTag, can func(entityTag, config.RevisionMatch) bool) []config.RevisionMatch {
	var found []config.RevisionMatch
	for _, tag := range tags {
		if m, ok := parseRevisionTag(tag.opaque); ok && can(tag, m) {
			found = append(found, m)
		}
	}
	return found
}

// canMatchStrongly reports whether a tag can match in If-Match: weak ones never do.
func canMatchStrongly(tag entityTag, _ config.RevisionMatch) bool { return !tag.weak }

// canMatchWeakly reports whether a tag can match in If-None-Match. A bare version cannot: the
// client may know it from another history.
func canMatchWeakly(_ entityTag, m config.RevisionMatch) bool { return !m.AnyHash }

// readReason reads a reason, which is percent-encoded UTF-8: a header can hold only ASCII.
func readReason(h http.Header) (*string, error) {
	text, err := single(h, configReason)
	if err != nil || text == nil {
		return nil, err
	}
	decoded, ok := percentDecoded(*text)
	if !ok {
		return nil, &config.InvalidError{Field: configReason,
			Rule: "must be ASCII, in which % stands before two hex digits: percent-encoded UTF-8, as encodeURIComponent makes it"}
	}
	return &decoded, nil
}

// readSwitch reads a header that is true or false. Only a set may have one that is true.
func readSwitch(op operation, h http.Header, header string) (on bool, err error) {
	text, err := single(h, header)
	switch {
	case err != nil || text == nil || *text == "false":
		return false, err
	case *text != "true":
		return false, &config.InvalidError{Field: header, Rule: "must be true or false"}
	case op != set:
		return false, &config.InvalidError{Field: header, Rule: "can only be true on a PUT"}
	}
	return true, nil
}

// single reads a header that may be given once. It returns nil when the header is not given.
func single(h http.Header, header string) (*string, error) {
	switch lines := h[header]; len(lines) {
	case 0:
		return nil, nil
	case 1:
		return &lines[0], nil
	}
	return nil, &config.InvalidError{Field: header, Rule: "must be given once"}
}

// inHeader makes an error about a field name the header that the field came in.
func inHeader(err error) error {
	invalid, is := errors.AsType[*config.InvalidError](err)
	if !is {
		return err
	}
	switch invalid.Field {
	case "reason":
		invalid.Field = configReason
	case "idempotencyKey":
		invalid.Field = idempotencyKey
	}
	return err
}
