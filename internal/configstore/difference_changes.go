package configstore

import (
	"context"
	"slices"

	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// addChanges adds the changes between the two moments to the differences of a page. The page ends
// before the difference whose changes would make it too large. When that is the first one, it gets
// as many of its newest changes as fit.
func (c *comparison) addChanges(ctx context.Context, page *DiffPage) error {
	left := PageBytes // of the page
	for done := 0; done < len(page.Differences); {
		read, n, err := c.readChanges(ctx, page.Differences[done:], left)
		if err != nil {
			return err
		}
		for i := range n {
			d := &page.Differences[done]
			size := d.bytes() + sizeOf(read[i])
			if size > left && done > 0 {
				page.cut(done)
				return nil
			}
			for ; size > left && len(read[i]) > 0; read[i] = read[i][1:] {
				size -= read[i][0].Bytes()
			}
			d.Changes = read[i]
			d.MoreChanges = len(d.Changes) < d.countChanges()
			left -= size
			done++
		}
	}
	return nil
}

// cut leaves only the first n differences on the page.
func (p *DiffPage) cut(n int) {
	p.Differences, p.More = p.Differences[:n], true
	p.End = p.Differences[n-1].Name.String()
}

// countChanges returns how many changes there were between the two moments.
func (d *Difference) countChanges() int { return int(d.versions[1] - d.versions[0]) }

func sizeOf(revisions []*eventstore.Revision) (n int) {
	for _, r := range revisions {
		n += r.Bytes()
	}
	return n
}

// readChanges reads the newest changes of the first n differences together, each oldest first. When
// they have more bytes than that, the oldest of the last difference are left out, and those of the
// ones behind it.
func (c *comparison) readChanges(ctx context.Context, differences []Difference, bytes int) (read [][]*eventstore.Revision, n int, err error) {
	var asked []eventstore.VersionOf
	for ; n < min(len(differences), eventstore.MaxAsOfNames/MaxDifferenceChanges); n++ {
		d := &differences[n]
		for i := range min(d.countChanges(), MaxDifferenceChanges) {
			asked = append(asked, eventstore.VersionOf{Name: d.Name.String(), Version: int(d.versions[1]) - i})
		}
	}
	revisions, err := c.readVersions(ctx, asked, max(bytes, 1))
	if err != nil {
		return nil, 0, err
	}
	read = make([][]*eventstore.Revision, n)
	for i := range read {
		d := &differences[i]
		want := min(d.countChanges(), MaxDifferenceChanges)
		got := min(want, len(revisions))
		read[i], revisions = revisions[:got:got], revisions[got:]
		slices.Reverse(read[i])
		if got < want {
			return read, i + 1, nil
		}
	}
	return read, n, nil
}

// readVersions reads revisions, as many of the first ones as have so many bytes, one at least.
func (c *comparison) readVersions(ctx context.Context, asked []eventstore.VersionOf, bytes int) ([]*eventstore.Revision, error) {
	end, err := c.reader.shared().begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	g, limit := c.reader.generation, eventstore.Limit{Bytes: bytes}
	records, err := g.ReadVersions(ctx, g.view().Head(), asked, limit)
	if err != nil {
		return nil, err
	}
	if len(records) < len(asked) && !limit.Fills(records) {
		return nil, g.readFailed(projection.ErrDiverged)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		return nil, err
	}
	return g.complete(ctx, eventstore.OldValuePage{Revisions: revisions, Bytes: bytes})
}
