package rest

import (
	"net/http"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
	"configapi/internal/strictjson"
)

// pageBytes is how many bytes of JSON a page holds before it ends early. It always has one config.
const pageBytes = configstore.PageBytes

// page is the part of a list that a client requests.
type page struct {
	filter config.Filter
	first  int         // at most so many configs; 0: all of them
	after  *listCursor // nil: from the beginning
}

// list answers with all configs, or with a page of them. Its entity tag is the position: at one
// position, one address has one answer. All pages are of the position of the first one.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	page, err := parsePage(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	snapshot, err := page.snapshot(r, reader)
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
	if page.first > 0 {
		if page.after != nil { // states of the past have to be read
			array.reservation = newReservation(h.answers, w, r)
			defer array.reservation.release()
		}
		err = page.write(r, array, snapshot)
	} else {
		err = writeAll(r, array, snapshot, page.filter)
	}
	if err != nil {
		h.failArray(array, r, err)
		return
	}
	array.finish()
}

func parsePage(query string) (p page, err error) {
	if p.filter, err = parseFilter(query); err != nil {
		return page{}, err
	}
	if p.first, err = parseFirst(query, 0); err != nil {
		return page{}, err
	}
	after, given, err := parameter(query, "after")
	if err != nil || !given {
		return p, err
	}
	if p.first == 0 {
		return page{}, &config.InvalidError{Field: "after", Rule: "needs first: without it, all configs come at once"}
	}
	p.after, err = parseListCursor(after, p.filter)
	return p, err
}

// snapshot returns the state that the page is of. A cursor whose position is not in the history was
// not given by this server.
func (p page) snapshot(r *http.Request, reader *configstore.Reader) (*configstore.Snapshot, error) {
	if p.after == nil {
		return reader.Now(), nil
	}
	snapshot, err := reader.AsOf(r.Context(), p.after.at)
	if fault.KindOf(err) == fault.PositionUnknown {
		return nil, errForeignCursor
	}
	return snapshot, err
}

// write writes a page, and a link to the next one when more follow.
func (p page) write(r *http.Request, array *array, snapshot *configstore.Snapshot) error {
	after := ""
	if p.after != nil {
		after = p.after.name
	}
	found, err := readPage(array.reservation,
		func() (configstore.ConfigPage, error) { return snapshot.Configs(r.Context(), p.filter, after, p.first) },
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
		next := listCursor{at: snapshot.At().Position(), prefix: p.filter.Prefix(), name: found.End}
		array.w.Header()[link] = []string{nextLink(p.first, next.String(), "prefix", p.filter.Prefix())}
	}
	for _, c := range configs {
		array.addConfig(c)
	}
	return nil
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

// writeAll writes all configs of one position. It needs no reservation, since their values are in
// memory anyway.
func writeAll(r *http.Request, array *array, snapshot *configstore.Snapshot, filter config.Filter) error {
	page := configstore.ConfigPage{More: true}
	for page.More && !array.isEnough() {
		var err error
		if page, err = snapshot.Configs(r.Context(), filter, page.End, configstore.MaxPageSize); err != nil {
			return err
		}
		for _, c := range page.Configs {
			array.addConfig(c)
		}
	}
	return nil
}
