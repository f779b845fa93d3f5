package configstore

import (
	"context"
	"fmt"
	"slices"

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

// Diff returns what differs, by name after the name after ("" for the first), at most first
// differences and [PageBytes], the changes between included, for which withChanges asks.
//
// The error is an [*config.InvalidError] when ToPrefix is not valid, or when a name below it cannot
// be written below the filter's prefix because that is longer than [config.MaxNameBytes].
func (r *Reader) Diff(ctx context.Context, q DiffQuery, after string, first int, withChanges bool) (DiffPage, error) {
	if err := checkPageSize(first); err != nil {
		return DiffPage{}, err
	}
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
	c, err := r.newComparison(ctx, q)
	if err != nil {
		return 0, err
	}
	count := 0
	for after := ""; ; {
		pairs, err := c.pairs(ctx, after, eventstore.MaxAsOfNames)
		if err != nil || len(pairs) == 0 {
			return count, err
		}
		found, seen, err := c.compare(ctx, pairs, true)
		if err != nil {
			return 0, err
		}
		count += len(found)
		after = pairs[seen-1].name.String()
	}
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
		// A full page only needs to know whether anything follows.
		found, seen, err := c.compare(ctx, pairs, len(page.Differences) == first)
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
		next = pairs[seen-1].name.String()
		if len(page.Differences) < first {
			page.End = next
		}
	}
}

// addChanges adds the changes between the two moments to the differences of a page. The page ends
// before the difference whose changes would make it too large.
func (c *comparison) addChanges(ctx context.Context, page *DiffPage) error {
	bytes := 0
	for i := range page.Differences {
		d := &page.Differences[i]
		changes, err := c.changes(ctx, d)
		if err != nil {
			return err
		}
		size := d.bytes()
		for _, change := range changes {
			size += change.Bytes()
		}
		if bytes += size; bytes > PageBytes && i > 0 {
			page.Differences, page.More = page.Differences[:i], true
			page.End = page.Differences[i-1].Name.String()
			return nil
		}
		for ; size > PageBytes && len(changes) > 0; changes = changes[1:] {
			size -= changes[0].Bytes()
		}
		d.Changes = changes
		d.MoreChanges = len(changes) < int(d.versions[1]-d.versions[0])
	}
	return nil
}

// changes returns the newest changes of a difference, oldest first.
func (c *comparison) changes(ctx context.Context, d *Difference) ([]*eventstore.Revision, error) {
	end, err := c.reader.shared().begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	n := min(int(d.versions[1]-d.versions[0]), MaxDifferenceChanges)
	revisions, err := c.reader.generation.pageBack(ctx, d.Name, int(d.versions[1])+1, n)
	if err != nil {
		return nil, fmt.Errorf("reading the changes of %s: %w", d.Name, err)
	}
	slices.Reverse(revisions)
	return revisions, nil
}
