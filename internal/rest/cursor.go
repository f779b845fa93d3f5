package rest

import (
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
)

// listCursor says where in a list a page ended.
type listCursor struct {
	at     eventstore.Position
	prefix string // that the pages are of, as [config.Filter.Prefix] has it
	name   string // of the last config of the page
}

var errForeignCursor error = &config.InvalidError{Field: "after", Rule: "must be from the Link header of a page of this list; begin again without it"}

// String returns the cursor as clients see it. Neither the prefix nor the name has a space.
func (c listCursor) String() string {
	return pages.Cursor{Kind: pages.List, At: c.at, Key: c.prefix + " " + c.name}.String()
}

// parseListCursor reads a cursor of the pages that a filter selects. The error is
// [errForeignCursor].
func parseListCursor(text string, filter config.Filter) (*listCursor, error) {
	cursor, ok := pages.Parse(pages.List, text)
	prefix, name, _ := strings.Cut(cursor.Key, " ")
	if !ok || prefix != filter.Prefix() {
		return nil, errForeignCursor
	}
	if _, err := config.ParseName(name); err != nil {
		return nil, errForeignCursor
	}
	return &listCursor{cursor.At, prefix, name}, nil
}
