package rest

import (
	"context"
	"net/http"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
)

// listDeleted answers with a page of the deleted configs: for each the revision that deleted it,
// the newest first. A page is of its own position: what is deleted meanwhile comes before it, and
// none comes twice.
func (h *Handler) listDeleted(w http.ResponseWriter, r *http.Request) {
	q, err := parseDeletedQuery(r.URL.RawQuery)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	reader, err := h.readerFrom(r, q.after.position())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	ctx, end := context.WithTimeout(r.Context(), readTime)
	defer end()
	found, err := reader.Deleted(ctx, q.filter, q.after.end(), q.first)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	held := newReservation(h.answers, w, r)
	defer held.release()
	revisions, err := readPage(held,
		func() ([]*eventstore.Revision, error) {
			return withOldValues(ctx, found.Configs, reader.Now().OldValues(found.Configs))
		}, bytesOfRevisions)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if n := len(revisions); n < len(found.Configs) {
		found.More, found.End = true, revisions[n-1].Seq
	}
	at := reader.Head().Position()
	describeList(w.Header(), at)
	if found.More {
		next := seqCursor{pages.DeletedList, at, selectionOf(q.given...), found.End}
		w.Header()[link] = []string{nextLink(q.first, next.String(), q.given...)}
	}
	answerPage(w, r, held, func(s *jsonStream) { s.revisionsAt(revisions, at) })
}

// deletedQuery is what a client says about deleted configs.
type deletedQuery struct {
	filter config.Filter
	given  []string // the parameters that select configs, and their values, in turn
	first  int
	after  *seqCursor // nil: from the newest
}

func parseDeletedQuery(query string) (q deletedQuery, err error) {
	if q.filter, err = parseFilter(query); err != nil {
		return q, err
	}
	part, given, err := parameter(query, "contains")
	if err != nil {
		return q, err
	}
	if given {
		if q.filter, err = q.filter.Containing(part); err != nil {
			return q, err
		}
	}
	q.given = []string{"prefix", q.filter.Prefix(), "contains", part}
	if q.first, err = parseFirst(query, usualFirst); err != nil {
		return q, err
	}
	q.after, err = parseSeqCursor(query, pages.DeletedList, selectionOf(q.given...))
	return q, err
}
