package configstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// former is what remains of a generation whose history was lost.
type former struct {
	view   *projection.View
	newest []*eventstore.Revision // whole change sets up to the view, oldest first
	// unverified is what the generation has not verified; it ends before the newest revisions.
	unverified projection.Stretch
}

// A rewind is tried rewindTries times while the event store does not answer. The pause between two
// tries doubles from one bound to the other, with jitter.
const (
	rewindTries          = 8
	rewindMin, rewindMax = 20 * time.Millisecond, 500 * time.Millisecond
)

var errNothingInCommon = errors.New("the history has none of the newest events that were applied")

// rewind takes over the states of the former generation as they were at the newest position that
// both histories have, so that only what follows has to be read: how long a failover takes does not
// depend on the length of the history. The hash of that position proves that all before it is the
// same. When there is no such position, or the event store does not answer, the generation stays
// empty and begins like a new node.
func (g *generation) rewind(ctx context.Context, f *former) {
	pause := rewindMin
	for range rewindTries {
		err := g.tryRewind(ctx, f)
		if err == nil || ctx.Err() != nil {
			return
		}
		if errors.Is(err, errNothingInCommon) || projection.Permanent(err) {
			g.opts.Log.Warn("beginning anew with the history", "reason", err)
			return
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return
		}
		pause = min(2*pause, rewindMax)
	}
	g.opts.Log.Warn("beginning anew with the history: the event store does not answer")
}

func (g *generation) tryRewind(ctx context.Context, f *former) error {
	n, err := f.common(ctx, g.own)
	if err != nil {
		return err
	}
	kept, lost := f.newest[:n:n], f.newest[n:]
	if hasStreams(lost) {
		return errNothingInCommon // what these streams were before is not looked up
	}
	at := kept[n-1].Head()
	past, err := g.statesAt(ctx, at, lost)
	if err != nil {
		return err
	}
	g.verifier.Begin(f.unverified)
	g.projection.Begin(f.view, at, past)
	g.feed.Publish(kept)
	g.opts.Log.Info("went back to the newest position that both histories have", "position", at.Position().String())
	return nil
}

// common returns how many of the newest revisions the history has, as whole change sets.
func (f *former) common(ctx context.Context, events eventstore.Store) (n int, err error) {
	if len(f.newest) == 0 || !f.newest[len(f.newest)-1].Head().Same(f.view.Head()) {
		return 0, errNothingInCommon // the view has moved on since
	}
	var ends []int // of change sets, as numbers of revisions
	for i, r := range f.newest {
		if r.EndsChangeSet() {
			ends = append(ends, i+1)
		}
	}
	// A history that has one end has all ends before it.
	shared := sort.Search(len(ends), func(i int) bool {
		if err != nil {
			return true
		}
		var has bool
		has, err = hasHead(ctx, events, f.newest[ends[i]-1].Head())
		return !has
	})
	switch {
	case err != nil:
		return 0, err
	case shared == 0:
		return 0, errNothingInCommon
	}
	return ends[shared-1], nil
}

// hasHead reports whether the history has had a head.
func hasHead(ctx context.Context, events eventstore.Store, head eventstore.Head) (bool, error) {
	records, err := events.Read(ctx, head.Seq-1, eventstore.Limit{Records: 1})
	if err != nil {
		return false, fmt.Errorf("looking for position %d in the history: %w", head.Seq, err)
	}
	return len(records) == 1 && eventstore.HeadOf(&records[0]).Same(head), nil
}

// statesAt reads the newest revisions at a head of those names that later revisions are of. A name
// that did not exist then has none.
func (h *history) statesAt(ctx context.Context, at eventstore.Head, later []*eventstore.Revision) (map[config.Name]*eventstore.Revision, error) {
	past := make(map[config.Name]*eventstore.Revision)
	var names []string
	for _, r := range later {
		if _, seen := past[r.Name]; !seen {
			past[r.Name] = nil
			names = append(names, r.Name.String())
		}
	}
	slices.Sort(names)
	for len(names) > 0 {
		some := names[:min(len(names), eventstore.MaxAsOfNames)]
		var limit eventstore.Limit
		records, err := h.own.ReadAsOf(ctx, at, eventstore.AsOf{At: at.Seq, Names: some}, limit)
		if err != nil {
			return nil, err
		}
		read := len(some)
		if limit.Fills(records) { // the next page has the rest
			last, _ := slices.BinarySearch(some, records[len(records)-1].Name)
			read = last + 1
		}
		names = names[read:]
		revisions, err := eventstore.DecodeAll(records)
		if err != nil {
			return nil, err
		}
		for _, r := range revisions {
			if err := h.completeSet(ctx, at, r); err != nil {
				return nil, err
			}
			past[r.Name] = r
		}
	}
	return past, nil
}

// completeSet reads the end of a revision's change set when the revision was decoded without.
func (h *history) completeSet(ctx context.Context, at eventstore.Head, r *eventstore.Revision) error {
	if r.ChangeSetKnown() {
		return nil
	}
	end := r.ChangeSet.Seq
	records, err := h.own.ReadHistory(ctx, at, end-1, eventstore.Limit{Records: 1})
	if err == nil && (len(records) != 1 || records[0].Seq != end) {
		err = projection.ErrDiverged
	}
	if err != nil {
		return fmt.Errorf("reading the end of the change set at position %d: %w", r.Seq, err)
	}
	r.ChangeSet = eventstore.HeadOf(&records[0]).Position()
	return nil
}
