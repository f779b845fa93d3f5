package configstore

import (
	"context"
	"fmt"
	"slices"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// MaxPageSize is the most that one page may be asked to hold.
const MaxPageSize = 500

// Reader reads the store at one position: all its answers are of one and the same moment, however many there are. It is
// cheap to make, holds no lock, and is for one request.
type Reader struct {
	branch *branch
	view   *projection.View
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

// Head is the position that the reader's answers are valid at.
func (r *Reader) Head() eventstore.Head { return r.view.Head() }

// Config returns a config, nil when it does not exist or is deleted.
func (r *Reader) Config(name config.Name) *projection.Config {
	if c := r.view.Get(name); c != nil && c.Exists() {
		return c
	}
	return nil
}

// State returns the newest state of a name, also of a deleted config; nil when nothing ever happened to the name.
func (r *Reader) State(name config.Name) *projection.Config { return r.view.Get(name) }

// Now is the snapshot of the reader's own moment.
func (r *Reader) Now() *Snapshot { return &Snapshot{branch: r.branch, view: r.view, at: r.view.Head()} }

// History returns revisions of a name, newest first, from the version newest down (0: from its newest), at most first of
// them, and whether there are older ones. An unknown name has none.
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
	oldest := max(int(newest)-first, 0) // the one before the oldest of the page
	revisions, err = r.branch.revisionsOf(ctx, name, oldest, int(newest)-oldest)
	if err != nil {
		return nil, false, err
	}
	slices.Reverse(revisions)
	return revisions, oldest > 0, nil
}

// streamPageBytes is how many bytes of data a page holds of a history that is streamed, one revision at least.
const streamPageBytes = 1 << 20

// EachRevision calls yield for every revision of a name, oldest first, until it returns an error. It holds one page in memory,
// of at most 1 MiB or one revision.
func (r *Reader) EachRevision(ctx context.Context, name config.Name, yield func(*eventstore.Revision) error) error {
	present := r.view.Get(name)
	if present == nil {
		return nil
	}
	for done, all := 0, int(present.Version); done < all; {
		limit := eventstore.Limit{Records: min(all-done, MaxPageSize), Bytes: streamPageBytes}
		revisions, err := r.branch.pageOf(ctx, name, done, limit)
		if err != nil {
			return err
		}
		for _, revision := range revisions {
			if err := yield(revision); err != nil {
				return err
			}
		}
		done += len(revisions)
	}
	return nil
}

// Revision returns the revision at a position, nil when the history that the reader sees has none there.
func (r *Reader) Revision(ctx context.Context, at eventstore.Bookmark) (*eventstore.Revision, error) {
	if at.Position < 1 || at.Position > r.view.Head().Position {
		return nil, nil
	}
	revision, err := r.branch.revisionAt(ctx, at.Position)
	if err != nil || revision.Bookmark() != at {
		return nil, err
	}
	return revision, nil
}

// revisionsOf reads exactly n revisions of a name after a version. The history is known to have them.
func (b *branch) revisionsOf(ctx context.Context, name config.Name, after, n int) ([]*eventstore.Revision, error) {
	revisions := make([]*eventstore.Revision, 0, n)
	for len(revisions) < n {
		page, err := b.pageOf(ctx, name, after+len(revisions), eventstore.Limit{Records: n - len(revisions)})
		if err != nil {
			return nil, err
		}
		revisions = append(revisions, page...)
	}
	return revisions, nil
}

// pageOf reads revisions of a name after a version, up to a limit. The history is known to have some.
func (b *branch) pageOf(ctx context.Context, name config.Name, after int, limit eventstore.Limit) ([]*eventstore.Revision, error) {
	records, err := b.events.ReadConfig(ctx, b.view().Head(), name.String(), after, limit)
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
func (b *branch) revisionAt(ctx context.Context, p eventstore.Position) (*eventstore.Revision, error) {
	if recent := b.feed.Find(p); recent != nil {
		return recent, nil
	}
	records, err := b.events.ReadBranch(ctx, b.view().Head(), p-1, eventstore.Limit{Records: 1})
	switch {
	case err != nil:
		return nil, b.failed(err)
	case len(records) == 0 || records[0].Position != p:
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
		end, err := b.revisionAt(ctx, r.ChangeSet.Position)
		if err != nil {
			return err
		}
		r.ChangeSet = end.Bookmark()
	}
	return nil
}

func checkPageSize(first int) error {
	if first < 1 || first > MaxPageSize {
		return &config.InvalidError{Field: "first", Rule: fmt.Sprintf("is %d; it must be 1 to %d", first, MaxPageSize)}
	}
	return nil
}
