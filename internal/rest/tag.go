package rest

import (
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// revisionTag is the content of the entity tag of a config: its version, and the first bytes of the
// hash of the revision that made it. So the same version of another history has another tag.
type revisionTag struct {
	version config.Version
	hash    config.HashPrefix
}

func tagOf(c *projection.Config) revisionTag {
	return revisionTag{c.Version, config.HashPrefix(c.Position().Prefix)}
}

// tagOfOutcome returns the tag of the config as a change left it.
func tagOfOutcome(outcome *configstore.Outcome) revisionTag {
	if own := outcome.Own; own != nil {
		return revisionTag{own.Version, config.HashPrefix(own.Position().Prefix)}
	}
	return tagOf(outcome.Config)
}

// form is a representation of a config. The entity tag of each form ends in its own way.
type form string

const (
	textForm form = ""
	jsonForm form = "-j"
)

// describe sets the headers that say which version of a config an answer is about, in which form,
// and at which position it is valid. The three texts share one allocation and their values another,
// since every read and every write comes here: see BenchmarkEdge.
func describe(h http.Header, tag revisionTag, f form, position eventstore.Position) {
	var space [80]byte
	text := append(space[:0], '"')
	text = strconv.AppendInt(text, int64(tag.version), 10)
	version := len(text)
	text = append(text, '-')
	text = hex.AppendEncode(text, tag.hash[:])
	text = append(text, f...)
	text = append(text, '"')
	quoted := len(text)
	text = position.AppendTo(text)

	all := string(text)
	values := &[...]string{all[:quoted], all[1:version], all[quoted:]}
	h[etag] = values[0:1:1]
	h[configVersion] = values[1:2:2]
	h[configPosition] = values[2:3:3]
}

// locate sets the header with the position at which an answer is valid.
func locate(h http.Header, position eventstore.Position) {
	h[configPosition] = []string{position.String()}
}

// describeList sets the headers of a list, whose entity tag is the position that it is valid at.
func describeList(h http.Header, position eventstore.Position) {
	locate(h, position)
	h[etag] = []string{`"` + position.String() + `"`}
}

// parseRevisionTag returns the revision that an entity tag of a config names, in either form. The
// tag is given without its quotes. A bare version names a revision whose hash is not compared.
func parseRevisionTag(opaque string) (m config.RevisionMatch, ok bool) {
	digits, hash, hashed := strings.Cut(opaque, "-")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || strconv.Itoa(n) != digits {
		return config.RevisionMatch{}, false
	}
	m.Version, m.AnyHash = config.Version(n), !hashed
	if !hashed {
		return m, true
	}
	hash = strings.TrimSuffix(hash, string(jsonForm))
	if len(hash) != hex.EncodedLen(len(m.Hash)) || strings.ToLower(hash) != hash {
		return config.RevisionMatch{}, false
	}
	_, err = hex.Decode(m.Hash[:], []byte(hash))
	return m, err == nil
}

// entityTag is one member of If-Match or If-None-Match.
type entityTag struct {
	opaque string // without the quotes
	weak   bool
}

// cutTag cuts the first entity tag off a list of them. It is not ok when the list begins with
// something else.
func cutTag(list string) (tag entityTag, rest string, ok bool) {
	text := strings.TrimPrefix(list, "W/")
	quoted, ok := strings.CutPrefix(text, `"`)
	opaque, rest, ended := strings.Cut(quoted, `"`)
	return entityTag{opaque, len(text) < len(list)}, rest, ok && ended
}

// nextTag cuts the first entity tag off a list, with the commas and the white space before it. more
// is false at the end of the list; ok is false when it is no list of tags.
func nextTag(list string, first bool) (tag entityTag, rest string, more, ok bool) {
	trimmed := strings.TrimLeft(list, " \t,")
	if trimmed == "" {
		return entityTag{}, "", false, true
	}
	if between := list[:len(list)-len(trimmed)]; !first && !strings.Contains(between, ",") {
		return entityTag{}, "", false, false
	}
	tag, rest, ok = cutTag(trimmed)
	return tag, rest, ok, ok
}

// parseTags reads the lines of If-Match or If-None-Match: `*` alone, or a list of one entity tag at
// least. Several lines are one list.
func parseTags(lines []string) (tags []entityTag, any, ok bool) {
	if len(lines) == 1 && strings.Trim(lines[0], " \t") == "*" {
		return nil, true, true
	}
	for _, list := range lines {
		for first := true; ; first = false {
			tag, rest, more, ok := nextTag(list, first)
			if !ok {
				return nil, false, false
			}
			if !more {
				break
			}
			tags, list = append(tags, tag), rest
		}
	}
	return tags, false, len(tags) > 0
}

// isKnown reports whether the client of a read has the answer already: If-None-Match has the whole
// entity tag of the answer, weak or not, or `*`. A field that is no list of tags is ignored: the
// client gets the answer in full.
func isKnown(request, answer http.Header) bool {
	lines := request[ifNoneMatch]
	if len(lines) == 0 {
		return false
	}
	tags, any, ok := parseTags(lines)
	if !ok || any {
		return ok
	}
	own := strings.Trim(answer[etag][0], `"`)
	for _, tag := range tags {
		if tag.opaque == own {
			return true
		}
	}
	return false
}
