package rest

import (
	"encoding/base64"
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// listCursor is a place in the pages of a list, which stay pinned to one position of the history,
// whatever is written meanwhile.
type listCursor struct {
	at     eventstore.Position
	prefix string // that the pages are of, as [config.Filter.Prefix] has it
	name   string // of the last config that was given
}

// listCursorFormat is how a cursor begins: the version of its bytes, and the kind of its pages.
const listCursorFormat = "1l"

var errForeignCursor error = &config.InvalidError{Field: "after", Rule: "must be from the Link header of a page of this list; begin again without it"}

// String writes the cursor: base64url of the format, the position, the prefix and the name, of
// which none has a space.
func (c listCursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(listCursorFormat + c.at.String() + " " + c.prefix + " " + c.name))
}

// parseListCursor reads a cursor of the pages that a filter selects. The error is
// [errForeignCursor].
func parseListCursor(text string, filter config.Filter) (*listCursor, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	fields, ours := strings.CutPrefix(string(raw), listCursorFormat)
	parts := strings.Split(fields, " ")
	if err != nil || !ours || len(parts) != 3 || parts[1] != filter.Prefix() {
		return nil, errForeignCursor
	}
	at, err := eventstore.ParsePosition(parts[0])
	if err != nil {
		return nil, errForeignCursor
	}
	if _, err := config.ParseName(parts[2]); err != nil {
		return nil, errForeignCursor
	}
	return &listCursor{at, parts[1], parts[2]}, nil
}
