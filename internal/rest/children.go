package rest

import (
	"net/http"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/pages"
	"configapi/internal/projection"
)

// usualChildren is how many children a page has when the client does not say.
const usualChildren = 100

// listChildren answers with a page of what lies directly below a prefix. A page is of its own
// position, and no child comes twice.
func (h *Handler) listChildren(w http.ResponseWriter, r *http.Request) {
	filter, first, after, err := parseChildrenQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.reader(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	found, err := reader.Children(filter.Prefix(), after, first)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	at := reader.Head().Position()
	describeList(w.Header(), at)
	if found.More {
		last := found.Children[len(found.Children)-1]
		next := pages.Cursor{Kind: pages.ChildrenList, At: at, Key: filter.Prefix() + " " + last.Segment}
		w.Header()[link] = []string{nextLink(first, next.String(), "prefix", filter.Prefix())}
	}
	h.answerPage(w, r, bytesOfChildren(found), func(s *jsonStream) {
		s.put(`{"children":`).each(len(found.Children), func(i int) { s.child(found.Children[i]) })
		s.put(`,"position":`).text(at.String()).put(`}`)
	})
}

// parseChildrenQuery returns the prefix, as a filter has it, how many children a page may have, and
// the segment after which it begins, "" for the first page.
func parseChildrenQuery(query string) (filter config.Filter, first int, after string, err error) {
	if filter, err = parseFilter(query); err != nil {
		return filter, 0, "", err
	}
	if first, err = parseFirst(query, usualChildren); err != nil {
		return filter, 0, "", err
	}
	text, given, err := parameter(query, "after")
	if err != nil || !given {
		return filter, first, "", err
	}
	cursor, ok := pages.Parse(pages.ChildrenList, text)
	prefix, segment, _ := strings.Cut(cursor.Key, " ")
	if _, err := config.ParseName(segment); !ok || err != nil || prefix != filter.Prefix() || strings.Contains(segment, "/") {
		return filter, 0, "", errForeignCursor
	}
	return filter, first, segment, nil
}

func (s *jsonStream) child(c projection.Child) {
	s.put(`{"segment":`).text(c.Segment).put(`,"name":`).text(c.Name.String()).put(`,"config":`)
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
