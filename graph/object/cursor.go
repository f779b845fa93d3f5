package object

import (
	"encoding/base64"
	"strconv"
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// CursorKind says which pages a cursor belongs to. A cursor of another kind is refused.
type CursorKind byte

// The kinds of pages.
const (
	ConfigPages   CursorKind = 'c' // of Query.configs
	SnapshotPages CursorKind = 's' // of ConfigSnapshot.configs
	HistoryPages  CursorKind = 'h' // of Query.history and Config.history
)

// cursorFormat is the version of the bytes of a cursor.
const cursorFormat = '1'

// Cursor is a place in pages that stay pinned to one position of the history, whatever is written meanwhile.
type Cursor struct {
	Kind CursorKind
	At   eventstore.Position // the position that the pages are pinned to
	Key  string              // of the item that the cursor is at: a name, or a version
}

// String writes the cursor: base64url of the format, the kind, the position and the key.
func (c Cursor) String() string {
	return encode(string([]byte{cursorFormat, byte(c.Kind)}) + c.At.String() + " " + c.Key)
}

// ErrForeignCursor is what a cursor is refused with that is malformed, of other pages, or of another history: a
// [*config.InvalidError].
var ErrForeignCursor error = &config.InvalidError{Field: "after", Rule: "must be a cursor that this server gave for these pages"}

// ParseCursor reads a cursor of a kind. The error is [ErrForeignCursor].
func ParseCursor(kind CursorKind, text string) (Cursor, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < 2 || raw[0] != cursorFormat || CursorKind(raw[1]) != kind {
		return Cursor{}, ErrForeignCursor
	}
	position, key, found := strings.Cut(string(raw[2:]), " ")
	at, err := eventstore.ParsePosition(position)
	if err != nil || !found || key == "" {
		return Cursor{}, ErrForeignCursor
	}
	return Cursor{kind, at, key}, nil
}

// HistoryCursor is the cursor of a revision in the pages of a name's history, which are pinned to a position.
func HistoryCursor(at eventstore.Position, name config.Name, v config.Version) Cursor {
	return Cursor{HistoryPages, at, strconv.Itoa(int(v)) + " " + name.String()}
}

// VersionBefore is the version that follows a cursor of a name's history, newest first: 0 when the cursor is at the oldest.
// The error is [ErrForeignCursor].
func (c Cursor) VersionBefore(name config.Name) (config.Version, error) {
	version, of, _ := strings.Cut(c.Key, " ")
	v, err := strconv.ParseUint(version, 10, 31)
	if err != nil || v == 0 || of != name.String() {
		return 0, ErrForeignCursor
	}
	return config.Version(v - 1), nil
}
