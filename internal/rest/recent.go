package rest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/pages"
)

// listRecent answers with a page of the newest changes, newest first. All pages are of the position
// of the first one, and may split a change set.
func (h *Handler) listRecent(w http.ResponseWriter, r *http.Request) {
	q, err := parseRecentQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.readerFrom(r, q.after.position())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	at := reader.Head().Position()
	if q.after != nil {
		at = q.after.at
	}
	ctx, end := context.WithTimeout(r.Context(), readTime)
	defer end()
	held := newReservation(h.answers, w, r)
	defer held.release()
	found, err := readPage(held,
		func() (configstore.RecentPage, error) {
			return reader.RecentChanges(ctx, q.filter, q.after.end(), q.first)
		},
		func(p configstore.RecentPage) int { return bytesOfRevisions(p.Revisions) })
	if err != nil {
		h.fail(w, r, err)
		return
	}
	describeList(w.Header(), at)
	if found.More {
		next := seqCursor{pages.RecentList, at, q.selection(), found.End}
		w.Header()[link] = []string{nextLink(q.first, next.String(), q.given...)}
	}
	answerPage(w, r, held, func(s *jsonStream) { s.revisionsAt(found.Revisions, at) })
}

// recentQuery is what a client says about the newest changes.
type recentQuery struct {
	filter configstore.ChangeFilter
	given  []string // the parameters that select changes, and their values, in turn
	first  int
	after  *seqCursor // nil: from the newest
}

// selecting are the parameters that select changes.
var selecting = []string{"prefix", "name", "actor", "operation", "since", "until"}

func parseRecentQuery(query string) (q recentQuery, err error) {
	if q.filter.Configs, err = parseNameFilter(query); err != nil {
		return q, err
	}
	if q.filter.Operations, err = parseOperations(query); err != nil {
		return q, err
	}
	if q.filter.Since, err = parseInstant(query, "since"); err != nil {
		return q, err
	}
	if q.filter.Until, err = parseInstant(query, "until"); err != nil {
		return q, err
	}
	for _, name := range selecting {
		value, given, err := parameter(query, name)
		if err != nil {
			return q, err
		}
		if value != "" { // an empty prefix selects everything
			q.given = append(q.given, name, value)
		}
		if given && name == "actor" {
			q.filter.Actor = &value
		}
	}
	if q.first, err = parseFirst(query, usualFirst); err != nil {
		return q, err
	}
	q.after, err = parseSeqCursor(query, pages.RecentList, q.selection())
	return q, err
}

// parseNameFilter returns the filter that a prefix and a name make. Each may be left out.
func parseNameFilter(query string) (config.Filter, error) {
	prefix, _, err := parameter(query, "prefix")
	if err != nil {
		return config.Filter{}, err
	}
	name, given, err := parameter(query, "name")
	switch {
	case err != nil:
		return config.Filter{}, err
	case !given:
		return config.ParseFilter(prefix, nil)
	}
	if _, err := config.ParseName(name); err != nil {
		return config.Filter{}, err
	}
	return config.ParseFilter(prefix, []string{name})
}

// parseOperations returns the operations that a list of them names, nil when there is none.
func parseOperations(query string) ([]config.Operation, error) {
	list, given, err := parameter(query, "operation")
	if err != nil || !given {
		return nil, err
	}
	known := []config.Operation{config.Created, config.Updated, config.Deleted, config.Restored}
	var named []config.Operation
	for _, text := range strings.Split(list, ",") {
		if !slices.Contains(known, config.Operation(text)) {
			return nil, &config.InvalidError{Field: "operation", Rule: "must be CREATED, UPDATED, DELETED or RESTORED, or several of them, separated by commas"}
		}
		named = append(named, config.Operation(text))
	}
	slices.Sort(named)
	return slices.Compact(named), nil
}

// selection identifies what is selected, so that a page of another selection is not continued.
func (q recentQuery) selection() string { return selectionOf(q.given...) }
