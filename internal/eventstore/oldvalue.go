package eventstore

import (
	"context"
	"fmt"

	"configapi/internal/config"
)

// VersionReader is the part of a [Store] that reads old values.
type VersionReader interface {
	ReadVersions(ctx context.Context, basis Head, versions []VersionOf, limit Limit) ([]Record, error)
}

// OldValuePage says which revisions [CompleteOldValues] completes.
type OldValuePage struct {
	// Revisions need their old values. All are of one history, in any order.
	Revisions []*Revision
	// Further are revisions whose values may be the old values of others.
	Further []*Revision
	// Bytes is how many bytes of names and values, old ones included, the completed revisions have
	// at most. 0 means [PageBytes].
	Bytes int
	// Least is how many revisions are completed however large they are. 0 means one.
	Least int
}

// CompleteOldValues gives the first revisions of a page their old values: the values of the
// versions before, which are in the page itself or are read on a basis. It returns how many are
// complete: as many as Bytes allows, Least of them at least. No others may be shown.
//
// While it runs, it holds old values of at most 1 MiB, or one value, beyond Bytes. The error is a
// [*ChainError] if a version before is missing, or that of the reads.
func CompleteOldValues(ctx context.Context, from VersionReader, basis Head, p OldValuePage) (n int, err error) {
	if p.Bytes == 0 {
		p.Bytes = PageBytes
	}
	missing := p.fill()
	for {
		end := len(p.Revisions)
		if len(missing) > 0 {
			end = missing[0]
		}
		n, left := p.within(end)
		if n < end || len(missing) == 0 {
			return n, nil
		}
		read, err := p.read(ctx, from, basis, missing, left)
		if err != nil {
			return 0, err
		}
		missing = missing[read:]
	}
}

// fill takes old values from the page itself. It returns the indexes of the revisions that still
// need theirs.
func (p *OldValuePage) fill() (missing []int) {
	before := make(map[VersionOf]*Revision, len(p.Revisions)+len(p.Further))
	for _, known := range [][]*Revision{p.Further, p.Revisions} {
		for _, r := range known {
			before[versionOf(r, 0)] = r
		}
	}
	for i, r := range p.Revisions {
		if !r.HasOldValue() {
			continue
		}
		if b := before[versionOf(r, -1)]; b != nil {
			r.SetOld(b.Event)
		} else {
			missing = append(missing, i)
		}
	}
	return missing
}

// within returns how many of the first revisions, up to end, the page holds, and the bytes that are
// left then.
func (p *OldValuePage) within(end int) (n, left int) {
	left = p.Bytes
	for i, r := range p.Revisions[:end] {
		if left -= r.Bytes(); left < 0 && i >= max(p.Least, 1) {
			return i, 0
		}
	}
	return end, left
}

// read reads old values of the revisions with the missing indexes, and returns how many it has
// read: one at least.
func (p *OldValuePage) read(ctx context.Context, from VersionReader, basis Head, missing []int, left int) (int, error) {
	const leastRead = 1 << 20 // else many small reads would follow when the left ends
	missing = missing[:min(len(missing), MaxAsOfNames)]
	asked := make([]VersionOf, len(missing))
	for i, at := range missing {
		asked[i] = versionOf(p.Revisions[at], -1)
		asked[i].Next = p.Revisions[at].Seq
	}
	records, err := from.ReadVersions(ctx, basis, asked, Limit{Bytes: max(left, leastRead)})
	if err != nil {
		return 0, err
	}
	for i := range asked {
		r := p.Revisions[missing[i]]
		if i == len(records) && i > 0 && (Limit{Bytes: max(left, leastRead)}).Fills(records) {
			return i, nil
		}
		if i >= len(records) || records[i].Name != asked[i].Name || records[i].Version != asked[i].Version {
			return 0, &ChainError{Seq: r.Seq, Problem: "the version before it is missing"}
		}
		before, err := config.Decode(storedOf(&records[i]), r.Name, r.Version-1, records[i].RecordedAt)
		if err != nil {
			return 0, fmt.Errorf("decoding the event at seq %d: %w", records[i].Seq, err)
		}
		r.SetOld(before)
	}
	return len(asked), nil
}

func versionOf(r *Revision, step config.Version) VersionOf {
	return VersionOf{Name: r.Name.String(), Version: int(r.Version + step)}
}
