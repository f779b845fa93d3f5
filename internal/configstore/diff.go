package configstore

import (
	"context"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// MaxDifferenceChanges is how many changes a [Difference] shows at most.
const MaxDifferenceChanges = 20

// DiffQuery says what to compare.
type DiffQuery struct {
	From, To *Snapshot // of the same reader; To may be the earlier one
	Filter   config.Filter
	// ToPrefix compares the names below the filter's prefix at From with the same names below
	// ToPrefix at To. The filter then has a prefix and no names. "": the same names are compared.
	ToPrefix string
}

// Difference is what differs for one name, in value or existence.
type Difference struct {
	// Name is the name; with ToPrefix the one below the filter's prefix, also when only ToPrefix
	// has it.
	Name          config.Name
	Before, After *projection.Config // nil: it did not exist
	// Changes are the newest [MaxDifferenceChanges] changes between the two moments, oldest first:
	// none with ToPrefix, and none when From is later than To. They are fewer where they would not
	// fit into [PageBytes] together with Before and After. MoreChanges reports whether there were
	// more.
	Changes     []*eventstore.Revision
	MoreChanges bool

	versions [2]config.Version // of the name at From and at To
}

// bytes returns how many bytes the names and values of the states have.
func (d *Difference) bytes() (n int) {
	for _, c := range []*projection.Config{d.Before, d.After} {
		if c != nil {
			n += len(c.Name.String()) + len(c.Value.String())
		}
	}
	return n
}

// DiffPage is a page of what differs, by name.
type DiffPage struct {
	Differences []Difference
	// More reports whether more differences may follow: continue after the name End. A page can be
	// short, even empty, although more follow, when very many names come next that do not differ.
	More bool
	End  string
}

// A page of differences compares at most maxCompares pieces of the list of names, and at most
// maxRewinds of those for which it has to read the past.
const maxCompares = 200

// diffTurns is how many pages of differences are made at once, and pieces of counts. The others
// wait in line until their ctx ends. A page takes many reads: if all pages that are asked for
// shared the reads of the event store among them, many pages at a time would all be too late.
const diffTurns = 4

// Diff returns what differs, by name after the name after ("" for the first), at most first
// differences and [PageBytes], the changes between included, for which withChanges asks.
//
// The error is an [*config.InvalidError] when ToPrefix is not valid, or when a name below it cannot
// be written below the filter's prefix because that is longer than [config.MaxNameBytes].
func (r *Reader) Diff(ctx context.Context, q DiffQuery, after string, first int, withChanges bool) (DiffPage, error) {
	if err := checkPageSize(first); err != nil {
		return DiffPage{}, err
	}
	end, err := r.beginDiff(ctx)
	if err != nil {
		return DiffPage{}, err
	}
	defer end()
	c, err := r.newComparison(ctx, q)
	if err != nil {
		return DiffPage{}, err
	}
	page, err := c.page(ctx, after, first)
	if err == nil && withChanges && c.hasChanges() {
		err = c.addChanges(ctx, &page)
	}
	return page, err
}

// CountDiff returns how many names differ. Its errors are those of [Reader.Diff].
func (r *Reader) CountDiff(ctx context.Context, q DiffQuery) (int, error) {
	end, err := r.beginDiff(ctx)
	if err != nil {
		return 0, err
	}
	c, err := r.newComparison(ctx, q)
	end()
	count, after := 0, ""
	for more := err == nil; more; {
		var found int
		found, after, more, err = c.countAfter(ctx, after)
		count += found
	}
	return count, err
}

// beginDiff waits for a turn. The caller must call end unless there is an error, which is that of
// ctx.
func (r *Reader) beginDiff(ctx context.Context) (end func(), err error) {
	if err := r.generation.diffs.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { r.generation.diffs.Release(1) }, nil
}

// countAfter returns how many of the next pairs after a name differ, the name of the last one, and
// whether there were any.
func (c *comparison) countAfter(ctx context.Context, after string) (found int, last string, more bool, err error) {
	end, err := c.reader.beginDiff(ctx)
	if err != nil {
		return 0, "", false, err
	}
	defer end()
	pairs, err := c.pairs(ctx, after, eventstore.MaxAsOfNames)
	if err != nil || len(pairs) == 0 {
		return 0, after, false, err
	}
	differences, last, err := c.compare(ctx, pairs)
	return len(differences), last, err == nil, err
}

// page returns the differences after a name, without the changes between.
func (c *comparison) page(ctx context.Context, after string, first int) (DiffPage, error) {
	page := DiffPage{End: after}
	bytes, next := 0, after
	for compares := 0; ; compares++ {
		pairs, err := c.pairs(ctx, next, max(first+1-len(page.Differences), rewindAhead<<min(compares, maxRewinds)))
		if err != nil || len(pairs) == 0 {
			return page, err
		}
		if compares == maxCompares || c.reads >= maxRewinds {
			page.More = true
			return page, nil
		}
		found, end, err := c.compare(ctx, pairs)
		if err != nil {
			return DiffPage{}, err
		}
		for _, d := range found {
			bytes += d.bytes()
			if len(page.Differences) == first || bytes > PageBytes && len(page.Differences) > 0 {
				page.More = true
				return page, nil
			}
			page.Differences = append(page.Differences, d)
			page.End = d.Name.String()
		}
		next = end
		if len(page.Differences) < first {
			page.End = next
		}
	}
}
