package configstore

import (
	"context"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
)

// maxScan and maxScanBytes are how many events, and how many bytes of them, one page of changes
// examines. A page whose filter selects few of them ends early, and says how far it has come. At
// most 1 MiB of what is not selected is in memory at a time.
const maxScan, maxScanBytes = 10_000, 64 << 20

// Changes are the changes in one part of the history that a filter selects. Change sets are whole.
type Changes struct {
	// Revisions are the changes, oldest first. Empty: nothing that matches happened up to Position.
	Revisions []*eventstore.Revision
	// Position is where the part ends: continue from there.
	Position eventstore.Position
	// CaughtUp reports whether the part ends at the head that was applied when it was read.
	CaughtUp bool

	bytes int // of names and values
}

// Changes returns the changes after a position that the filter selects. Inside a change set it
// begins with the whole set. It returns about first changes and [PageBytes]: more only to keep a
// change set whole, fewer where there are no more or where the filter selects few. Events newer
// than the reader's position are left out.
func (r *Reader) Changes(ctx context.Context, after eventstore.Position, filter config.Filter, first int) (Changes, error) {
	if err := checkPageSize(first); err != nil {
		return Changes{}, err
	}
	view, err := r.await(ctx, after.Seq)
	if err != nil {
		return Changes{}, err
	}
	start, err := r.generation.startAfter(ctx, view, after)
	if err != nil {
		return Changes{}, err
	}
	filter = filter.Within(r.scope)
	cursor := r.generation.feed.Cursor(r.generation.events, start)
	found := Changes{Position: start.Position(), CaughtUp: start.Same(view.Head())}
	end, err := r.shared().begin(ctx)
	if err != nil {
		return Changes{}, err
	}
	defer end()
	scanned, bytes, full := 0, 0, false
	for !found.CaughtUp && scanned < maxScan && bytes < maxScanBytes && !full {
		page := feed.DefaultPage
		if filter.All() {
			page = first - len(found.Revisions)
		}
		batch, err := cursor.Next(ctx, min(page, int(view.Head().Seq-start.Seq)))
		if err != nil {
			return Changes{}, r.generation.readFailed(err)
		}
		scanned += len(batch.Events)
		for _, e := range batch.Events {
			bytes += feed.Size(e)
		}
		start, full = found.take(batch, filter, first)
		found.CaughtUp = start.Seq >= view.Head().Seq
	}
	return found, nil
}

// take adds the events of a batch that the filter selects, whole change sets of them. It ends after
// the set with which there are enough, or before the set that would make the page too large. It
// returns where it ended, and whether the page is full.
func (c *Changes) take(batch feed.Batch, filter config.Filter, enough int) (end eventstore.Head, full bool) {
	whole, bytes := len(c.Revisions), c.bytes
	for _, e := range batch.Events {
		if e.Stream == nil && filter.Matches(e.Name) {
			c.Revisions = append(c.Revisions, e)
			bytes += e.Bytes()
		}
		if !e.EndsChangeSet() {
			continue
		}
		if bytes > PageBytes && whole > 0 {
			c.Revisions = c.Revisions[:whole]
			return end, true
		}
		whole, c.bytes, end = len(c.Revisions), bytes, e.Head()
		c.Position = end.Position()
		if whole >= enough || bytes >= PageBytes {
			return end, true
		}
	}
	return end, false
}
