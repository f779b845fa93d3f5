package rest

import (
	"context"
	"strconv"
	"time"
)

// Revision is one change of one config.
type Revision struct {
	Name        string    `json:"name"`
	Operation   string    `json:"operation"`          // CREATED, UPDATED, DELETED or RESTORED
	Value       *string   `json:"value"`              // nil: it was deleted or erased
	OldValue    *string   `json:"oldValue,omitempty"` // nil: there was none, it was erased, or it is not shown
	Version     int64     `json:"version"`
	Position    string    `json:"position"`
	ChangeSet   string    `json:"changeSet"` // the position of the change set
	CommittedAt time.Time `json:"committedAt"`
	Actor       *string   `json:"actor"`
	Reason      *string   `json:"reason"`
	Reverts     *string   `json:"reverts"` // the change set that it undoes
	Erased      bool      `json:"erased"`  // whether its value was removed for good
}

// Revisions is a part of the history.
type Revisions struct {
	Revisions []Revision `json:"revisions"`
	Position  string     `json:"position"`
}

func revisionsOf(page Revisions) []Revision { return page.Revisions }

// Selection says which changes are read. The zero one selects all.
type Selection struct {
	Prefix, Name string // below a prefix, or of one config
	Actor        string
	Operation    string    // several are separated by commas
	Since, Until time.Time // zero: without a bound
	First        int       // how many changes a page has at most, up to 500; 0: 500
}

// Recent calls each with the selected changes, the newest first, page by page. All are of the
// position of the first page.
func (c *Client) Recent(ctx context.Context, s Selection, each func(Revision) error) error {
	first := query("prefix", s.Prefix, "name", s.Name, "actor", s.Actor, "operation", s.Operation,
		"since", bound(s.Since), "until", bound(s.Until), "first", pageOf(s.First))
	return eachPage(ctx, c, "/changes/recent", first, revisionsOf, each)
}

// pageOf returns the length of pages that the API is asked for.
func pageOf(first int) string {
	if first <= 0 || first > 500 {
		return maxPage
	}
	return strconv.Itoa(first)
}

func bound(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// Changes are whole change sets of the history, oldest first.
type Changes struct {
	Changes  []Revision `json:"changes"`
	Position string     `json:"position"` // up to which they are complete
	CaughtUp bool       `json:"caughtUp"` // whether there are no more now
}

// Changes returns the changes below a prefix after a position, "" for the beginning, as many as a
// page holds.
func (c *Client) Changes(ctx context.Context, prefix, after string) (found Changes, err error) {
	_, _, err = c.get(ctx, &request{path: "/changes" + query("prefix", prefix, "after", after, "first", maxPage)}, &found)
	return found, err
}

// Comparison says what is compared: the configs below Prefix at one moment, with those below
// ToPrefix, or the same ones, at another. A moment is a position or an RFC 3339 instant.
type Comparison struct {
	From     string // must be set
	To       string // "": now
	Prefix   string // "": all configs
	ToPrefix string // "": the same names
}

// Difference is what differs for one name.
type Difference struct {
	Name        string     `json:"name"`
	Before      *Revision  `json:"before"` // nil: it did not exist
	After       *Revision  `json:"after"`  // likewise
	Changes     []Revision `json:"changes"`
	MoreChanges bool       `json:"moreChanges"`
}

// Diff calls each with all differences, by name, page by page. All are of the same two positions,
// which each gets as well.
func (c *Client) Diff(ctx context.Context, q Comparison, each func(from, to string, d Difference) error) (from, to string, err error) {
	first := query("from", q.From, "to", q.To, "prefix", q.Prefix, "toPrefix", q.ToPrefix, "first", maxPage)
	type page struct {
		From, To    string
		Differences []Difference
	}
	elements := func(p page) []Difference {
		from, to = p.From, p.To
		return p.Differences
	}
	err = eachPage(ctx, c, "/diff", first, elements, func(d Difference) error { return each(from, to, d) })
	return from, to, err
}

// Position returns the newest position that the server has.
func (c *Client) Position(ctx context.Context) (at string, err error) {
	at, _, err = c.get(ctx, &request{path: "/config" + query("first", "1")}, new([]Config))
	return at, err
}
