package edgetest_test

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"configapi/internal/configstore/configstoretest"
	"configapi/internal/eventstore"
)

// The methods below write answers as texts that must be the same from both servers.

var (
	tokenText    = regexp.MustCompile(`cfg_\w+|"publicId":"\w+"`)
	opaqueText   = regexp.MustCompile(`[\w-]{10,}`)
	instantText  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`)
	positionText = regexp.MustCompile(`\b\d+-[0-9a-f]{8}\b`)
	tagText      = regexp.MustCompile(`^"(\d+-)([0-9a-f]{8})((?:-j)?)"$`)
	cursorText   = regexp.MustCompile(`(?s)^1[a-zA-Z]\d+-[0-9a-f]{8} `)
	// bySeq are the cursors whose key ends with the seq of a change, which may be hidden.
	bySeq = regexp.MustCompile(`(?s)^(1[oxrRD].* )\d+$`)
	// ofPositions are the cursors that have a checksum of positions.
	ofPositions = regexp.MustCompile(`^(1d\S+ )\S+`)
)

// text returns the status, the headers and the body of an answer. Lengths are left out: those of
// positions differ.
func (s *twinServer) text(r twinRequest, response *http.Response, body string) string {
	var b strings.Builder
	fmt.Fprintln(&b, response.StatusCode)
	for _, name := range slices.Sorted(maps.Keys(response.Header)) {
		for _, value := range response.Header[name] {
			switch {
			case name == "Date" || name == "Content-Length":
				value = ""
			case name == "Etag" && strings.Contains(r.line, "/config/"):
				value = s.tag(value)
			default:
				value = s.canonical(value)
			}
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	if strings.HasSuffix(r.line, "/health") {
		body = instantText.ReplaceAllString(body, "now") // the two are not asked at the same time
	}
	// One element of a list stands on a line, so that a difference is soon seen.
	return b.String() + strings.ReplaceAll(s.canonical(body), "},{", "},\n{")
}

// canonical replaces positions, instants, cursors, ids and secrets by what they stand for.
func (s *twinServer) canonical(text string) string {
	text = tokenText.ReplaceAllString(text, "secret")
	text = opaqueText.ReplaceAllStringFunc(text, s.readable)
	text = instantText.ReplaceAllStringFunc(text, func(instant string) string {
		at, err := time.Parse(time.RFC3339Nano, instant)
		s.Must(err)
		// Within a second, hidden changes move the time.
		return fmt.Sprint(int(at.Sub(configstoretest.Epoch)/time.Second), " s")
	})
	return positionText.ReplaceAllStringFunc(text, s.position)
}

// position returns what a position stands for.
func (s *twinServer) position(text string) string {
	at, err := eventstore.ParsePosition(text)
	if err != nil || !s.Knows(at) {
		return "unknown position"
	}
	return fmt.Sprint("@", s.Rank(at))
}

// readable returns what is in a cursor or an id, and other texts as they are.
func (s *twinServer) readable(text string) string {
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	raw := string(decoded)
	switch {
	case err != nil:
		return text
	case strings.HasPrefix(raw, "c:"), strings.HasPrefix(raw, "r:"), strings.HasPrefix(raw, "t:"):
		return "id of " + raw
	case strings.HasPrefix(raw, "d:"):
		return "id of what does not exist"
	case !cursorText.MatchString(raw):
		return text
	}
	raw = bySeq.ReplaceAllString(raw, "$1")
	raw = ofPositions.ReplaceAllString(raw, "$1")
	return "cursor " + raw[1:2] + " " + raw[2:]
}

// tag returns what the entity tag of a config stands for.
func (s *twinServer) tag(text string) string {
	match := tagText.FindStringSubmatch(text)
	if match == nil {
		return text
	}
	for rank := len(s.ranks); rank < len(s.Own); rank++ {
		prefix := s.Own[rank].Prefix
		s.ranks[hex.EncodeToString(prefix[:])] = rank
	}
	rank, known := s.ranks[match[2]]
	return fmt.Sprintf("%s@%d %t%s", match[1], rank, known, match[3])
}

// tagOf returns the entity tag of a config that the caller may read, "" when there is none.
func (s *twinServer) tagOf(name string) string {
	c := s.reader().State(configstoretest.Name(s.T, name))
	if c == nil {
		return ""
	}
	prefix := c.Position().Prefix
	return fmt.Sprintf(`"%d-%s"`, c.Version, hex.EncodeToString(prefix[:]))
}
