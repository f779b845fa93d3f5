package rest

import (
	"context"
	"net/http"
	"strings"

	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/pages"
)

// usualDifferences is how many differences a page has when the client does not say.
const usualDifferences = 100

// diff answers with a page of what differs between two moments, or between two prefixes. All pages
// are of the two positions that the moments came to on the first one.
func (h *Handler) diff(w http.ResponseWriter, r *http.Request) {
	q, err := parseDiffQuery(r.URL.RawQuery)
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
	compared, err := q.snapshots(ctx, reader)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	held := newReservation(h.answers, w, r)
	defer held.release()
	found, err := readPage(held,
		func() (configstore.DiffPage, error) { return reader.Diff(ctx, compared, q.after.name, q.first, true) }, bytesOfDiff)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	from, to := compared.From.At().Position(), compared.To.At().Position()
	describeDiff(w.Header(), from, to)
	if found.More {
		w.Header()[link] = []string{q.link(diffCursor{from, to, q.prefixes(), found.End})}
	}
	answerPage(w, r, held, func(s *jsonStream) {
		s.put(`{"from":`).position(from).put(`,"to":`).position(to)
		s.put(`,"differences":`).each(len(found.Differences), func(i int) { s.difference(&found.Differences[i]) }).put(`}`)
	})
}

// describeDiff sets the headers of a comparison. It is valid at the later one of its positions, and
// both together are its entity tag.
func describeDiff(h http.Header, from, to eventstore.Position) {
	later := to
	if from.Seq > to.Seq {
		later = from
	}
	locate(h, later)
	h[etag] = []string{`"` + from.String() + "." + to.String() + `"`}
}

func (s *jsonStream) difference(d *configstore.Difference) {
	s.put(`{"name":`).plain(d.Name.String())
	s.put(`,"before":`).state(d.Before).put(`,"after":`).state(d.After)
	s.put(`,"changes":`).revisions(d.Changes).put(`,"moreChanges":`).bool(d.MoreChanges).put(`}`)
}

func bytesOfDiff(page configstore.DiffPage) int {
	bytes := 0
	for _, d := range page.Differences {
		bytes += len(d.Name.String()) + bytesOfRevisions(d.Changes)
		if d.Before != nil {
			bytes += len(d.Before.Value.String())
		}
		if d.After != nil {
			bytes += len(d.After.Value.String())
		}
	}
	return bytes
}

// diffQuery is what a client says about a comparison.
type diffQuery struct {
	from, to configstore.PointInTime
	toGiven  bool // else to is now, or that of the cursor
	filter   config.Filter
	toPrefix string
	first    int
	after    diffCursor // the zero one: from the beginning
}

func parseDiffQuery(query string) (q diffQuery, err error) {
	text, given, err := parameter(query, "from")
	if err != nil {
		return q, err
	}
	if !given {
		return q, &config.InvalidError{Field: "from", Rule: momentRule}
	}
	if q.from, err = parseMoment("from", text); err != nil {
		return q, err
	}
	if text, q.toGiven, err = parameter(query, "to"); err != nil {
		return q, err
	}
	if q.toGiven {
		if q.to, err = parseMoment("to", text); err != nil {
			return q, err
		}
	}
	if err := q.parsePrefixes(query); err != nil {
		return q, err
	}
	if q.first, err = parseFirst(query, usualDifferences); err != nil {
		return q, err
	}
	after, given, err := parameter(query, "after")
	if err == nil && given {
		q.after, err = parseDiffCursor(after, q.prefixes())
	}
	return q, err
}

func (q *diffQuery) parsePrefixes(query string) (err error) {
	if q.filter, err = parseFilter(query); err != nil {
		return err
	}
	toPrefix, given, err := parameter(query, "toPrefix")
	if err != nil || !given {
		return err
	}
	target, err := config.ParseFilter(toPrefix, nil)
	if invalid, is := err.(*config.InvalidError); is {
		return &config.InvalidError{Field: "toPrefix", Rule: invalid.Rule}
	}
	switch q.toPrefix = target.Prefix(); {
	case q.toPrefix == "":
		return &config.InvalidError{Field: "toPrefix", Rule: "is empty; leave it out to compare the same names"}
	case q.filter.Prefix() == "":
		return &config.InvalidError{Field: "toPrefix", Rule: "needs a prefix, with whose names the names below toPrefix are compared"}
	}
	return nil
}

func (q *diffQuery) prefixes() string { return q.filter.Prefix() + " " + q.toPrefix }

// snapshots returns what is compared. With a cursor, the moments must be those of its pages.
func (q *diffQuery) snapshots(ctx context.Context, reader *configstore.Reader) (c configstore.DiffQuery, err error) {
	c = configstore.DiffQuery{Filter: q.filter, ToPrefix: q.toPrefix}
	if c.From, err = reader.AsOfPoint(ctx, q.from); err != nil {
		return c, err
	}
	continued := q.after.name != ""
	switch {
	case q.toGiven:
		c.To, err = reader.AsOfPoint(ctx, q.to)
	case continued:
		c.To, err = reader.AsOf(ctx, q.after.to)
	default:
		c.To = reader.Now()
	}
	if err != nil {
		if continued && fault.KindOf(err) == fault.PositionUnknown {
			err = errForeignCursor
		}
		return c, err
	}
	if continued && (c.From.At().Position() != q.after.from || c.To.At().Position() != q.after.to) {
		return c, errForeignCursor
	}
	return c, nil
}

// link returns the header that leads to the next page, which names the positions of this one.
func (q *diffQuery) link(next diffCursor) string {
	return nextLink(q.first, next.String(), "from", next.from.String(), "to", next.to.String(), "prefix", q.filter.Prefix(), "toPrefix", q.toPrefix)
}

// diffCursor says where in a comparison a page ended.
type diffCursor struct {
	from, to eventstore.Position
	prefixes string // that are compared: two, with a space between them
	name     string // of the last difference of the page
}

func (c diffCursor) String() string {
	return pages.Cursor{Kind: pages.DiffList, At: c.to, Key: c.from.String() + " " + c.prefixes + " " + c.name}.String()
}

// parseDiffCursor reads a cursor of a comparison of such prefixes. The error is
// [errForeignCursor].
func parseDiffCursor(text, prefixes string) (diffCursor, error) {
	cursor, ok := pages.Parse(pages.DiffList, text)
	position, rest, _ := strings.Cut(cursor.Key, " ")
	name, of := strings.CutPrefix(rest, prefixes+" ")
	from, err := eventstore.ParsePosition(position)
	if !ok || !of || err != nil {
		return diffCursor{}, errForeignCursor
	}
	if _, err := config.ParseName(name); err != nil {
		return diffCursor{}, errForeignCursor
	}
	return diffCursor{from, cursor.At, prefixes, name}, nil
}
