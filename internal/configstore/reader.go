package configstore

import (
	"context"
	"fmt"
	"sync"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/feed"
	"configapi/internal/projection"
)

// MaxPageSize is the most that one page may be asked to hold.
const MaxPageSize = 500

// Reader reads the store at one position: all its answers are of one and the same moment, however many there are. It is
// cheap to make, holds no lock, and is for one request.
type Reader struct {
	branch *branch
	view   *projection.View

	once sync.Once
	op   *operation // made by once
}

// Reader returns a reader of the newest state that this node has applied. The caller may read everything. The error says that
// the store is not ready.
func (s *Store) Reader(_ auth.Caller) (*Reader, error) {
	b, err := s.ready()
	if err != nil {
		return nil, err
	}
	return newReader(b, b.view()), nil
}

func newReader(b *branch, view *projection.View) *Reader { return &Reader{branch: b, view: view} }

// operation is what all reads of the past share that are made for one request.
func (r *Reader) operation() *operation {
	r.once.Do(func() { r.op = newOperation() })
	return r.op
}

// Head is the position that the reader's answers are valid at.
func (r *Reader) Head() eventstore.Head { return r.view.Head() }

// Config returns a config, nil when it does not exist or is deleted.
func (r *Reader) Config(name config.Name) *projection.Config {
	if c := r.view.Get(name); c != nil && c.Exists() {
		return c
	}
	return nil
}

// State returns the newest state of a name, also of a deleted config; nil when nothing ever
// happened to the name.
func (r *Reader) State(name config.Name) *projection.Config { return r.view.Get(name) }

// Now is the snapshot of the reader's own moment.
func (r *Reader) Now() *Snapshot { return &Snapshot{branch: r.branch, view: r.view, at: r.view.Head()} }

// PageBytes is how many bytes of names and values, old ones included, a page of configs, of a
// history or of changes holds: 8 MiB. It ends early rather than hold more, but never without
// anything in it.
const PageBytes = eventstore.PageBytes

// History returns revisions of a name, newest first, from the version newest down (0: from its newest), at most first of
// them and [PageBytes], and whether there are older ones. An unknown name has none.
func (r *Reader) History(ctx context.Context, name config.Name, newest config.Version, first int) (revisions []*eventstore.Revision, more bool, err error) {
	if err := checkPageSize(first); err != nil {
		return nil, false, err
	}
	present := r.view.Get(name)
	if present == nil {
		return nil, false, nil
	}
	if newest <= 0 || newest > present.Version {
		newest = present.Version
	}
	leave, err := r.operation().enter(ctx)
	if err != nil {
		return nil, false, err
	}
	defer leave()
	records, err := r.branch.events.ReadConfigBack(ctx, r.branch.view().Head(), name.String(), int(newest)+1, eventstore.Limit{Records: first})
	revisions, err = r.branch.decode(ctx, records, err)
	if err != nil {
		return nil, false, err
	}
	revisions = fitting(revisions)
	return revisions, revisions[len(revisions)-1].Version > 1, nil
}

// fitting returns the first of the revisions, as many as a page holds.
func fitting(revisions []*eventstore.Revision) []*eventstore.Revision {
	bytes := 0
	for i, r := range revisions {
		if bytes += r.Bytes(); bytes > PageBytes && i > 0 {
			return revisions[:i]
		}
	}
	return revisions
}

// streamPageBytes is how many bytes of data a page holds of a history that is streamed, one
// revision at least.
const streamPageBytes = feed.PageBytes

// EachPage calls yield for all revisions of a name, page by page, oldest first, until it returns an
// error. A page is of at most 1 MiB or one revision, and none is read before the last one is done
// with.
func (r *Reader) EachPage(ctx context.Context, name config.Name, yield func([]*eventstore.Revision) error) error {
	present := r.view.Get(name)
	if present == nil {
		return nil
	}
	for done, all := 0, int(present.Version); done < all; {
		limit := eventstore.Limit{Records: min(all-done, MaxPageSize), Bytes: streamPageBytes}
		revisions, err := r.revisionsAfter(ctx, name, done, limit)
		if err != nil {
			return err
		}
		if err := yield(revisions); err != nil {
			return err
		}
		done += len(revisions)
	}
	return nil
}

func (r *Reader) revisionsAfter(ctx context.Context, name config.Name, after int, limit eventstore.Limit) ([]*eventstore.Revision, error) {
	leave, err := r.operation().enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return r.branch.pageOf(ctx, name, after, limit)
}

// Revision returns the revision at a position, nil when the history that the reader sees has none there.
func (r *Reader) Revision(ctx context.Context, at eventstore.Position) (*eventstore.Revision, error) {
	if at.Seq < 1 || at.Seq > r.view.Head().Seq {
		return nil, nil
	}
	leave, err := r.operation().enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	revision, err := r.branch.revisionAt(ctx, at.Seq)
	if err != nil || revision.Position() != at {
		return nil, err
	}
	return revision, nil
}

// pageOf reads revisions of a name after a version, up to a limit. The history is known to have
// some.
func (b *branch) pageOf(ctx context.Context, name config.Name, after int, limit eventstore.Limit) ([]*eventstore.Revision, error) {
	records, err := b.events.ReadConfig(ctx, b.view().Head(), name.String(), after, limit)
	return b.decode(ctx, records, err)
}

// decode decodes records that were read of one name, of which there must be some, unless there was
// an error.
func (b *branch) decode(ctx context.Context, records []eventstore.Record, err error) ([]*eventstore.Revision, error) {
	switch {
	case err != nil:
		return nil, b.failed(err)
	case len(records) == 0:
		return nil, b.failed(projection.ErrDiverged)
	}
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		return nil, err
	}
	return revisions, b.completeSets(ctx, revisions)
}

// revisionAt returns the revision at a position that is known to be applied.
func (b *branch) revisionAt(ctx context.Context, p eventstore.Seq) (*eventstore.Revision, error) {
	if recent := b.feed.Find(p); recent != nil {
		return recent, nil
	}
	records, err := b.events.ReadBranch(ctx, b.view().Head(), p-1, eventstore.Limit{Records: 1})
	switch {
	case err != nil:
		return nil, b.failed(err)
	case len(records) == 0 || records[0].Seq != p:
		return nil, b.failed(projection.ErrDiverged)
	}
	revision, err := eventstore.Decode(&records[0])
	if err != nil {
		return nil, err
	}
	return revision, b.completeSets(ctx, []*eventstore.Revision{revision})
}

// completeSets reads the ends of those change sets that revisions were decoded without. Nobody else may see the revisions
// before.
func (b *branch) completeSets(ctx context.Context, revisions []*eventstore.Revision) error {
	for _, r := range revisions {
		if r.SetKnown() {
			continue
		}
		end, err := b.revisionAt(ctx, r.ChangeSet.Seq)
		if err != nil {
			return err
		}
		r.ChangeSet = end.Position()
	}
	return nil
}

func checkPageSize(first int) error {
	if first < 1 || first > MaxPageSize {
		return &config.InvalidError{Field: "first", Rule: fmt.Sprintf("is %d; it must be 1 to %d", first, MaxPageSize)}
	}
	return nil
}
