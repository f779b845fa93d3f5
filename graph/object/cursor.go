package object

import (
	"strconv"
	"strings"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
)

// ErrForeignCursor refuses a cursor that is malformed, of other pages, or of another history. It is
// a [*config.InvalidError].
var ErrForeignCursor error = &config.InvalidError{Field: "after", Rule: "must be a cursor that this server gave for these pages"}

// ParseCursor reads a cursor of a kind. The error is [ErrForeignCursor].
func ParseCursor(kind pages.Kind, text string) (pages.Cursor, error) {
	cursor, ok := pages.Parse(kind, text)
	if !ok {
		return pages.Cursor{}, ErrForeignCursor
	}
	return cursor, nil
}

// HistoryCursor returns the cursor of a version in the pages of a name's history, which are read at
// a position.
func HistoryCursor(at eventstore.Position, name config.Name, v config.Version) pages.Cursor {
	return pages.Cursor{Kind: pages.History, At: at, Key: historyKey(name, v)}
}

func historyKey(name config.Name, v config.Version) string {
	return strconv.Itoa(int(v)) + " " + name.String()
}

// SeqKey returns the key of a change in the cursors of lists that are ordered by change.
func SeqKey(seq eventstore.Seq) string { return strconv.FormatInt(int64(seq), 10) }

// ParseSeqKey reads a key of [SeqKey], of a change up to the seq newest. The error is
// [ErrForeignCursor].
func ParseSeqKey(key string, newest eventstore.Seq) (eventstore.Seq, error) {
	seq, err := strconv.ParseInt(key, 10, 64)
	if err != nil || seq < 1 || eventstore.Seq(seq) > newest || SeqKey(eventstore.Seq(seq)) != key {
		return 0, ErrForeignCursor
	}
	return eventstore.Seq(seq), nil
}

// VersionBefore returns the version with which the page after a history cursor begins, newest
// first. 0: the cursor is at the oldest version. The error is [ErrForeignCursor], also for another
// name.
func VersionBefore(c pages.Cursor, name config.Name) (config.Version, error) {
	version, of, _ := strings.Cut(c.Key, " ")
	v, err := strconv.ParseUint(version, 10, 31)
	if err != nil || v == 0 || of != name.String() {
		return 0, ErrForeignCursor
	}
	return config.Version(v - 1), nil
}
