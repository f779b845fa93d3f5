package object

import (
	"encoding/base64"
	"strconv"
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// CursorKind says which pages a cursor is of. Other pages refuse it.
type CursorKind byte

// The kinds of pages.
const (
	ConfigPages   CursorKind = 'c' // of Query.configs
	SnapshotPages CursorKind = 's' // of ConfigSnapshot.configs
	HistoryPages  CursorKind = 'h' // of Query.history and Config.history
)

// cursorFormat is the version of the bytes of a cursor.
const cursorFormat = '1'

// Cursor is a place in pages. All pages of a connection are read at one position, whatever is
// written while a client reads them.
type Cursor struct {
	Kind CursorKind
	At   eventstore.Position // the position that the pages are read at
	Key  string              // of the item at the cursor: a name, or a version and a name
}

// String returns the cursor as clients see it: base64url of the format, the kind, the position and
// the key.
func (c Cursor) String() string {
	return encode(string([]byte{cursorFormat, byte(c.Kind)}) + c.At.String() + " " + c.Key)
}

// ErrForeignCursor refuses a cursor that is malformed, of other pages, or of another history. It is
// a [*config.InvalidError].
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

// HistoryCursor returns the cursor of a version in the pages of a name's history, which are read at
// a position.
func HistoryCursor(at eventstore.Position, name config.Name, v config.Version) Cursor {
	return Cursor{HistoryPages, at, strconv.Itoa(int(v)) + " " + name.String()}
}

// VersionBefore returns the version with which the page after a history cursor begins, newest
// first. 0: the cursor is at the oldest version. The error is [ErrForeignCursor], also for another
// name.
func (c Cursor) VersionBefore(name config.Name) (config.Version, error) {
	version, of, _ := strings.Cut(c.Key, " ")
	v, err := strconv.ParseUint(version, 10, 31)
	if err != nil || v == 0 || of != name.String() {
		return 0, ErrForeignCursor
	}
	return config.Version(v - 1), nil
}
