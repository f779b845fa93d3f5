package rest

import (
	"net/http"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
	"configapi/internal/projection"
)

// usualChildren is how many children a page has when the client does not say.
const usualChildren = 100

// listChildren answers with a page of what lies directly below a prefix. A page is of its own
// position, and no child comes twice.
func (h *Handler) listChildren(w http.ResponseWriter, r *http.Request) {
	q, err := parseChildrenQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.readerFrom(r, q.from)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	held := newReservation(h.answers, w, r)
	defer held.release()
	found, err := readPage(held, func() (configstore.ChildPage, error) { return reader.Children(q.prefix, q.after, q.first) }, bytesOfChildren)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	at := reader.Head().Position()
	describeList(w.Header(), at)
	if found.More {
		last := found.Children[len(found.Children)-1]
		next := pages.Cursor{Kind: pages.ChildrenList, At: at, Key: q.prefix + " " + last.Segment}
		w.Header()[link] = []string{nextLink(q.first, next.String(), "prefix", q.prefix)}
	}
	answerPage(w, r, held, func(s *jsonStream) {
		s.put(`{"children":`).each(len(found.Children), func(i int) { s.child(found.Children[i]) })
		s.put(`,"position":`).position(at).put(`}`)
	})
}

// childrenQuery is what a client says about what lies below a prefix.
type childrenQuery struct {
	prefix string // as a filter has it
	first  int
	from   *eventstore.Position // of the page before; nil: this is the first one
	after  string               // the last segment of the page before
}

func parseChildrenQuery(query string) (q childrenQuery, err error) {
	filter, err := parseFilter(query)
	if err != nil {
		return q, err
	}
	q.prefix = filter.Prefix()
	if q.first, err = parseFirst(query, usualChildren); err != nil {
		return q, err
	}
	text, given, err := parameter(query, "after")
	if err != nil || !given {
		return q, err
	}
	cursor, ok := pages.Parse(pages.ChildrenList, text)
	prefix, segment, _ := strings.Cut(cursor.Key, " ")
	if _, err := config.ParseName(segment); !ok || err != nil || prefix != q.prefix || strings.Contains(segment, "/") {
		return q, errForeignCursor
	}
	q.from, q.after = &cursor.At, segment
	return q, nil
}

func (s *jsonStream) child(c projection.Child) {
	s.put(`{"segment":`).text(c.Segment).put(`,"name":`).plain(c.Name.String()).put(`,"config":`)
	if c.Config == nil {
		s.put(`null`)
	} else {
		s.config(c.Config)
	}
	s.put(`,"below":`).number(int64(c.Below)).put(`}`)
}

func bytesOfChildren(page configstore.ChildPage) int {
	bytes := 0
	for _, c := range page.Children {
		bytes += len(c.Name.String())
		if c.Config != nil {
			bytes += len(c.Config.Value.String())
		}
	}
	return bytes
}
