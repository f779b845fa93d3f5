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

// Reader reads the store at one position for one caller. All its answers are of that position,
// however many there are. To them, names that the caller may not read do not exist: their values,
// number, actors and reasons are hidden. How many changes they had, and when, is not: positions are
// those of the whole history. A reader is cheap to make, holds no lock, and is for one request. It
// is safe for concurrent use.
type Reader struct {
	generation *generation
	view       *projection.View
	caller     auth.Caller
	scope      config.Prefixes // the names that the caller may read

	once    sync.Once
	request *request // made by once
}

// Reader returns a reader of the newest state that this node has applied. The error is of kind
// [fault.Unavailable]: the store is not ready; or [auth.ErrNotValid]: the secret of the caller has
// ended.
func (s *Store) Reader(caller auth.Caller) (*Reader, error) {
	g, err := s.ready()
	if err != nil {
		return nil, err
	}
	return g.reader(g.view(), caller)
}

// reader returns a reader of a view for a caller. Its rights are those of a view that is at least
// as new: what was changed after they were taken is not shown.
func (g *generation) reader(view *projection.View, caller auth.Caller) (*Reader, error) {
	caller, err := g.present(caller)
	if err != nil {
		return nil, err
	}
	return newReader(g, view, caller), nil
}

// newReader returns a reader for a caller that has its grants.
func newReader(g *generation, view *projection.View, caller auth.Caller) *Reader {
	return &Reader{generation: g, view: view, caller: caller, scope: caller.Scope(auth.Read)}
}

// await is [history.await] from the reader's view on. After a wait, a caller that may no longer
// read the same gets an error: [auth.ErrNotValid] or [auth.ErrChanged].
func (r *Reader) await(ctx context.Context, seq eventstore.Seq) (*projection.View, error) {
	view, err := r.generation.await(ctx, r.view, seq, 0)
	if err != nil || view == r.view {
		return view, err
	}
	caller, err := r.generation.present(r.caller)
	if err == nil && !caller.Scope(auth.Read).Equal(r.scope) {
		err = auth.ErrChanged
	}
	return view, err
}

// shared returns what all reads of one request share.
func (r *Reader) shared() *request {
	r.once.Do(func() { r.request = newRequest() })
	return r.request
}

// Head returns the head that the reader's answers are of.
func (r *Reader) Head() eventstore.Head { return r.view.Head() }

// Config returns a config, nil when it does not exist or is deleted.
func (r *Reader) Config(name config.Name) *projection.Config {
	if c := r.State(name); c != nil && c.Exists() {
		return c
	}
	return nil
}

// State returns the newest state of a name, also of a deleted config; nil when nothing ever
// happened to the name.
func (r *Reader) State(name config.Name) *projection.Config {
	if !r.scope.Has(name) {
		return nil
	}
	return r.view.Get(name)
}

// Now returns the snapshot at the reader's own position.
func (r *Reader) Now() *Snapshot {
	return &Snapshot{generation: r.generation, view: r.view, scope: r.scope, at: r.view.Head()}
}

// PageBytes is how many bytes of names and values, old ones included, a page of configs, of a
// history or of changes holds: 8 MiB. A page ends early rather than hold more, but is never empty
// for that.
const PageBytes = eventstore.PageBytes

// History returns revisions of a name, newest first, from the version newest down (0: from its
// newest), at most first of them and [PageBytes], and whether there are older ones. An unknown name
// has none.
func (r *Reader) History(ctx context.Context, name config.Name, newest config.Version, first int) (revisions []*eventstore.Revision, more bool, err error) {
	if err := checkPageSize(first); err != nil {
		return nil, false, err
	}
	present := r.State(name)
	if present == nil {
		return nil, false, nil
	}
	if newest <= 0 || newest > present.Version {
		newest = present.Version
	}
	end, err := r.shared().begin(ctx)
	if err != nil {
		return nil, false, err
	}
	defer end()
	if revisions, err = r.generation.pageBack(ctx, name, int(newest)+1, first); err != nil {
		return nil, false, err
	}
	return revisions, revisions[len(revisions)-1].Version > 1, nil
}

// streamPageBytes is how many bytes of names and values, old ones included, a page of a streamed
// history, or of a streamed state of the past, holds. It holds one revision or config at least.
const streamPageBytes = feed.PageBytes

// EachPage calls yield for all revisions of a name, page by page, oldest first, until yield returns
// an error. A page holds at most 1 MiB, or one revision. The next page is read when yield has
// returned.
func (r *Reader) EachPage(ctx context.Context, name config.Name, yield func([]*eventstore.Revision) error) error {
	present := r.State(name)
	if present == nil {
		return nil
	}
	var last *eventstore.Revision
	for done, all := 0, int(present.Version); done < all; {
		limit := eventstore.Limit{Records: min(all-done, MaxPageSize), Bytes: streamPageBytes}
		revisions, err := r.revisionsAfter(ctx, name, done, last, limit)
		if err != nil {
			return err
		}
		if err := yield(revisions); err != nil {
			return err
		}
		done += len(revisions)
		last = revisions[len(revisions)-1]
	}
	return nil
}

func (r *Reader) revisionsAfter(ctx context.Context, name config.Name, after int, before *eventstore.Revision, limit eventstore.Limit) ([]*eventstore.Revision, error) {
	end, err := r.shared().begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	return r.generation.pageOf(ctx, name, after, before, limit)
}

// Revision returns the revision at a position, nil when the reader's history has none there that
// the caller may read.
func (r *Reader) Revision(ctx context.Context, at eventstore.Position) (*eventstore.Revision, error) {
	if at.Seq < 1 || at.Seq > r.view.Head().Seq {
		return nil, nil
	}
	end, err := r.shared().begin(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	revision, err := r.generation.revisionAt(ctx, at.Seq)
	if err != nil || revision.Position() != at || revision.Stream != nil || !r.scope.Has(revision.Name) {
		return nil, err
	}
	return revision, nil
}

func checkPageSize(first int) error {
	if first < 1 || first > MaxPageSize {
		return &config.InvalidError{Field: "first", Rule: fmt.Sprintf("is %d; it must be 1 to %d", first, MaxPageSize)}
	}
	return nil
}
