package rest

import (
	"context"
	"errors"
	"net/http"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
	"configapi/internal/strictjson"
)

// pageBytes is how many bytes of JSON a page holds before it ends early. It always has one config.
const pageBytes = configstore.PageBytes

// listQuery is what a client says about a list.
type listQuery struct {
	filter config.Filter
	at     *configstore.PointInTime // nil: now, or the moment of the cursor
	full   bool                     // elements are whole objects, not names and values alone
	first  int                      // at most so many configs; 0: all of them
	after  *listCursor              // nil: from the beginning
}

// list answers with all configs, or with a page of them, of now or of a moment. Its entity tag is
// the position: at one position, one address has one answer. All pages are of the position of the
// first one.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	q, err := parseListQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	ctx, end := context.WithTimeout(r.Context(), readTime)
	defer end()
	snapshot, err := q.snapshot(ctx, reader)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	describeList(w.Header(), snapshot.At().Position())
	if isKnown(r.Header, w.Header()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	array := newArray(w, r)
	defer array.release()
	if snapshot.IsPast() { // its states have to be read
		array.reservation = newReservation(h.answers, w, r)
		defer array.reservation.release()
	}
	if q.first > 0 {
		err = q.writePage(ctx, array, snapshot)
	} else {
		err = q.writeAll(r.Context(), array, snapshot)
	}
	if err != nil {
		h.failArray(array, r, err)
		return
	}
	array.finish()
}

func parseListQuery(query string) (q listQuery, err error) {
	if q.filter, err = parseFilter(query); err != nil {
		return q, err
	}
	if q.at, err = parseAt(query); err != nil {
		return q, err
	}
	view, given, err := parameter(query, "view")
	if err != nil {
		return q, err
	}
	if q.full = view == "full"; given && !q.full {
		return q, &config.InvalidError{Field: "view", Rule: "must be full; leave it out for names and values alone"}
	}
	if q.first, err = parseFirst(query, 0); err != nil {
		return q, err
	}
	after, given, err := parameter(query, "after")
	if err != nil || !given {
		return q, err
	}
	if q.first == 0 {
		return q, &config.InvalidError{Field: "after", Rule: "needs first: without it, all configs come at once"}
	}
	q.after, err = parseListCursor(after, q.filter)
	return q, err
}

// snapshot returns the state that the list is of. With a cursor, it must be that of its pages: a
// cursor whose position is not in the history was not given by this server.
func (q *listQuery) snapshot(ctx context.Context, reader *configstore.Reader) (snapshot *configstore.Snapshot, err error) {
	switch {
	case q.at != nil:
		snapshot, err = reader.AsOfPoint(ctx, *q.at)
	case q.after != nil:
		snapshot, err = reader.AsOf(ctx, q.after.at)
	default:
		return reader.Now(), nil
	}
	if q.after == nil || err != nil && fault.KindOf(err) != fault.PositionUnknown {
		return snapshot, err
	}
	if err != nil || snapshot.At().Position() != q.after.at {
		return nil, errForeignCursor
	}
	return snapshot, nil
}

// writePage writes a page, and a link to the next one when more follow.
func (q *listQuery) writePage(ctx context.Context, array *array, snapshot *configstore.Snapshot) error {
	after := ""
	if q.after != nil {
		after = q.after.name
	}
	found, err := readPage(array.reservation,
		func() (configstore.ConfigPage, error) { return snapshot.Configs(ctx, q.filter, after, q.first) },
		func(page configstore.ConfigPage) int { return bytesOfConfigs(page.Configs) })
	if err != nil {
		return err
	}
	array.reservation.send()
	configs := found.Configs
	if n := fitting(configs); n < len(configs) {
		configs, found.More, found.End = configs[:n], true, configs[n-1].Name.String()
	}
	if found.More {
		array.w.Header()[link] = []string{q.link(listCursor{at: snapshot.At().Position(), prefix: q.filter.Prefix(), name: found.End})}
	}
	array.addConfigs(configs, q.full)
	return nil
}

// link returns the header that leads to the next page. The cursor has the moment.
func (q *listQuery) link(next listCursor) string {
	view := ""
	if q.full {
		view = "full"
	}
	return nextLink(q.first, next.String(), "prefix", q.filter.Prefix(), "view", view)
}

// fitting returns how many configs fit into a page: at least one.
func fitting(configs []*projection.Config) int {
	var bytes int64
	for i, c := range configs {
		bytes += strictjson.QuotedLen(c.Name.String()) + strictjson.QuotedLen(c.Value.String())
		if i > 0 && bytes > pageBytes {
			return i
		}
	}
	return len(configs)
}

// writeAll writes all configs of one position. Those of now need no reservation, since their values
// are in memory anyway.
func (q *listQuery) writeAll(ctx context.Context, array *array, snapshot *configstore.Snapshot) error {
	err := snapshot.EachPage(ctx, q.filter, func(page []*projection.Config) error {
		if array.reservation != nil {
			if err := array.reservation.hold(bytesOfConfigs(page)); err != nil {
				return err
			}
		}
		array.addConfigs(page, q.full)
		if array.isEnough() {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}
