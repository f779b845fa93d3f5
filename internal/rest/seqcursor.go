package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"configapi/internal/auth"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/pages"
)

// seqCursor says where in a list that is ordered by seq, the newest first, a page ended.
type seqCursor struct {
	kind      pages.Kind
	at        eventstore.Position // of the first page
	selection string              // what is selected, without spaces
	before    eventstore.Seq      // continue before this one
}

// end returns the seq before which the page begins, 0 for the first page.
func (c *seqCursor) end() eventstore.Seq {
	if c == nil {
		return 0
	}
	return c.before
}

func (c seqCursor) String() string {
	return pages.Cursor{Kind: c.kind, At: c.at, Key: c.selection + " " + strconv.FormatInt(int64(c.before), 10)}.String()
}

// parseSeqCursor reads the parameter after of the pages of one selection. The cursor is nil when
// the parameter is not given. The error can be [errForeignCursor].
func parseSeqCursor(query string, kind pages.Kind, selection string) (*seqCursor, error) {
	text, given, err := parameter(query, "after")
	if err != nil || !given {
		return nil, err
	}
	cursor, ok := pages.Parse(kind, text)
	of, number, _ := strings.Cut(cursor.Key, " ")
	seq, err := strconv.ParseInt(number, 10, 64)
	if !ok || of != selection || err != nil || seq < 1 || strconv.FormatInt(seq, 10) != number || eventstore.Seq(seq) > cursor.At.Seq {
		return nil, errForeignCursor
	}
	return &seqCursor{kind, cursor.At, selection, eventstore.Seq(seq)}, nil
}

// position returns the position of the first page, nil when this is it.
func (c *seqCursor) position() *eventstore.Position {
	if c == nil {
		return nil
	}
	return &c.at
}

// readerFrom returns the reader of a page: one that has the position of its cursor, which is nil
// for a first page. A cursor whose position is not in the history was not given by this server.
func (h *Handler) readerFrom(r *http.Request, at *eventstore.Position) (*configstore.Reader, error) {
	reader, err := h.reader(r)
	if err != nil || at == nil {
		return reader, err
	}
	if reader.Head().Seq < at.Seq { // another node gave the cursor
		reader, err = h.store.FreshReader(r.Context(), auth.FromContext(r.Context()), configstore.Freshness{AtLeast: at})
	}
	if err == nil {
		_, err = reader.AsOf(r.Context(), *at)
	}
	if fault.KindOf(err) == fault.PositionUnknown {
		return nil, errForeignCursor
	}
	return reader, err
}

// selectionOf returns a short text for parameters: their names and values, in turn.
func selectionOf(given ...string) string {
	query := url.Values{}
	for i := 0; i < len(given); i += 2 {
		query.Set(given[i], given[i+1])
	}
	sum := sha256.Sum256([]byte(query.Encode()))
	return hex.EncodeToString(sum[:4])
}
