// Package pages has the cursors with which clients read the pages of a list one after another.
//
// A cursor names a position of the history and an item: the position is that of all pages of the
// list, whatever is written meanwhile, or, where each page is of its own, that of the page before.
// Clients must not look into a cursor, but may keep it: its bytes never change. A cursor is not
// secret and not signed; the edge checks that the position and the item are ones that its pages can
// have, and refuses any other cursor with an error of its own.
package pages

import (
	"encoding/base64"
	"strings"

	"configapi/internal/eventstore"
)

// Kind says which pages a cursor is of. Other pages refuse it.
type Kind byte

// The kinds of pages.
const (
	Configs  Kind = 'c' // of GraphQL's Query.configs; the key is a name
	Snapshot Kind = 's' // of GraphQL's ConfigSnapshot.configs; the key is a name
	History  Kind = 'h' // of GraphQL's history fields; the key is a version and a name
	List     Kind = 'l' // of REST's list; the key is a prefix and a name
	Changed  Kind = 'o' // of GraphQL's configs by change; the key is arguments and a seq
	Deleted  Kind = 'x' // of GraphQL's deletedConfigs; the key is arguments and a seq
	Children Kind = 't' // of GraphQL's children; the key is arguments and a segment
	Recent   Kind = 'r' // of GraphQL's recentChanges; the key is arguments and a seq
	Diff     Kind = 'd' // of GraphQL's diff; the key is arguments, the position from, and a name
	Tokens   Kind = 'k' // of GraphQL's tokens; the position is zero, and the key is a name

	RecentList   Kind = 'R' // of REST's /changes/recent; the key is what is selected and a seq
	DeletedList  Kind = 'D' // of REST's /deleted; the key is what is selected and a seq
	ChildrenList Kind = 'C' // of REST's /children; the key is a prefix and a segment
	DiffList     Kind = 'F' // of REST's /diff; the key is a position, two prefixes and a name
	TokenList    Kind = 'K' // of REST's /tokens; the position is zero, and the key is a name
)

// format is the version of the bytes of a cursor.
const format = '1'

// Cursor names an item of a page.
type Cursor struct {
	Kind Kind
	At   eventstore.Position // the position at which the pages are read
	Key  string              // of the item, as the kind has it
}

// String returns the cursor as clients see it: base64url of the format, the kind, the position, a
// space and the key.
func (c Cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(string([]byte{format, byte(c.Kind)}) + c.At.String() + " " + c.Key))
}

// Parse returns the cursor that a text is. ok is false when the text is not a cursor, or one of
// another kind. The caller must check the key.
func Parse(kind Kind, text string) (c Cursor, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 2 || raw[0] != format || Kind(raw[1]) != kind {
		return Cursor{}, false
	}
	position, key, found := strings.Cut(string(raw[2:]), " ")
	at, err := eventstore.ParsePosition(position)
	if err != nil || !found || key == "" {
		return Cursor{}, false
	}
	c = Cursor{kind, at, key}
	return c, c.String() == text // base64 skips line ends
}
