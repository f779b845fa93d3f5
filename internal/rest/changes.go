package rest

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

const (
	// readTime is how long the reads of one page may take, besides a wait that the client asks for.
	readTime = 10 * time.Second
	// usualFirst is how many elements a page has when the client does not say.
	usualFirst = 50
)

// listChanges answers with the history of all configs after a position, oldest first, whole change
// sets of it. The position with which it ends is that of the answer.
func (h *Handler) listChanges(w http.ResponseWriter, r *http.Request) {
	q, err := parseChangesQuery(r.URL.RawQuery)
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
	held := newReservation(h.answers, w, r)
	defer held.release()
	found, err := readPage(held,
		func() (configstore.Changes, error) { return reader.Changes(ctx, q.after, q.filter, q.first) },
		func(c configstore.Changes) int { return bytesOfRevisions(c.Revisions) })
	if err != nil {
		h.fail(w, r, err)
		return
	}
	describeList(w.Header(), found.Position)
	if found.CaughtUp { // the same part of the history is another answer when it is no longer the newest
		w.Header()[etag] = []string{`"` + found.Position.String() + `-c"`}
	} else {
		q.after = found.Position
		w.Header()[link] = []string{q.link()}
	}
	answerPage(w, r, held, func(s *jsonStream) { s.changes(found) })
}

// changesQuery is what a client says about a part of the history.
type changesQuery struct {
	filter config.Filter
	after  eventstore.Position // the zero one: from the beginning
	first  int
}

func parseChangesQuery(query string) (q changesQuery, err error) {
	if q.filter, err = parseFilter(query); err != nil {
		return q, err
	}
	if q.first, err = parseFirst(query, usualFirst); err != nil {
		return q, err
	}
	after, given, err := parameter(query, "after")
	if err != nil || !given {
		return q, err
	}
	if q.after, err = eventstore.ParsePosition(after); err != nil {
		return q, fault.ErrPositionUnknown
	}
	return q, nil
}

func (q changesQuery) link() string {
	return nextLink(q.first, q.after.String(), "prefix", q.filter.Prefix())
}

// nextLink returns the header that leads to the next page. The address is relative and has no path,
// so that it is also right below the path of a proxy. more has names and values of parameters in
// turn; those that are empty are left out.
func nextLink(first int, after string, more ...string) string {
	query := url.Values{"first": {strconv.Itoa(first)}, "after": {after}}
	for i := 0; i < len(more); i += 2 {
		if more[i+1] != "" {
			query.Set(more[i], more[i+1])
		}
	}
	return "<?" + query.Encode() + `>; rel="next"`
}

// answerPage answers with a page that was read from the store. The headers that describe the page
// are set already. A client that has it gets 304.
func answerPage(w http.ResponseWriter, r *http.Request, held *reservation, write func(*jsonStream)) {
	if isKnown(r.Header, w.Header()) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	held.send()
	s := newJSON(w, r)
	defer s.release()
	s.reservation = held
	write(s)
	s.finish()
}
