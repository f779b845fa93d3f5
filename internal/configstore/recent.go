package configstore

import (
	"context"
	"slices"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// ChangeFilter selects changes. All its conditions must hold; the zero ChangeFilter selects all.
type ChangeFilter struct {
	Configs config.Filter
	Actor   *string // as [config.CheckActor] demands; nil: any
	// Operations are those that are selected: none when the list is empty but not nil. nil: all.
	Operations []config.Operation
	Since      *time.Time // at this instant or later; nil: any
	Until      *time.Time // before this instant; nil: any
}

// RecentPage is a page of the newest changes.
type RecentPage struct {
	Revisions []*eventstore.Revision // newest first
	// More reports whether more changes may follow: continue before the seq End. A page can be
	// short, even empty, although more follow: it examines at most 10,000 events.
	More bool
	End  eventstore.Seq
}

// RecentChanges returns the newest changes before a seq (0: from the reader's position) that the
// filter selects, newest first, at most first of them and [PageBytes]. The error is a
// [*config.InvalidError] if no actor can be what the filter asks for.
func (r *Reader) RecentChanges(ctx context.Context, filter ChangeFilter, before eventstore.Seq, first int) (RecentPage, error) {
	if err := checkPageSize(first); err != nil {
		return RecentPage{}, err
	}
	if filter.Actor != nil {
		if err := config.CheckActor(*filter.Actor); err != nil {
			return RecentPage{}, err
		}
	}
	filter.Configs = filter.Configs.Within(r.scope)
	if newest := r.view.Head().Seq; before <= 0 || before > newest {
		before = newest + 1
	}
	end, err := r.shared().begin(ctx)
	if err != nil {
		return RecentPage{}, err
	}
	defer end()
	q, err := r.generation.backOf(ctx, filter, before)
	if err != nil || q.Before <= q.After+1 {
		return RecentPage{}, err
	}
	// One more than the page holds, to know whether more follow.
	limit := first + 1
	if filter.selectsMore() {
		limit = MaxPageSize + 1
	}
	revisions, examined, err := r.generation.revisionsBack(ctx, q, limit)
	if err != nil {
		return RecentPage{}, err
	}
	if filter.selectsMore() {
		revisions = slices.DeleteFunc(revisions, func(r *eventstore.Revision) bool { return !filter.Configs.Matches(r.Name) })
	}
	asked := revisions[:min(first, len(revisions))]
	complete, err := r.generation.complete(ctx, eventstore.OldValuePage{Revisions: asked, Further: revisions[len(asked):]})
	if err != nil {
		return RecentPage{}, err
	}
	page := RecentPage{Revisions: complete, More: examined > q.After+1, End: examined}
	if n := len(page.Revisions); n < len(revisions) {
		page.More, page.End = true, page.Revisions[n-1].Seq
	}
	return page, nil
}

// selectsMore reports whether the filter has conditions that the event store does not know: a part
// of the name, or several prefixes. Then a page examines more than it holds.
func (f *ChangeFilter) selectsMore() bool {
	return f.Configs.Part() != "" || len(f.Configs.Prefixes().Texts()) > 1
}

// backOf returns what to ask the event store for. It selects nothing when q.Before <= q.After+1.
func (h *history) backOf(ctx context.Context, filter ChangeFilter, before eventstore.Seq) (q eventstore.Back, err error) {
	q = eventstore.Back{Before: before, Prefix: filter.Configs.Prefix(), Actor: filter.Actor, Operations: filter.Operations}
	if names, listed := filter.Configs.Names(); listed {
		q.Names = make([]string, len(names))
		for i, name := range names {
			q.Names[i] = name.String()
		}
	}
	if q.Names != nil && len(q.Names) == 0 || q.Operations != nil && len(q.Operations) == 0 {
		return eventstore.Back{}, nil
	}
	if filter.Until != nil {
		last, err := h.lastBefore(ctx, *filter.Until)
		if err != nil {
			return eventstore.Back{}, err
		}
		q.Before = min(q.Before, last+1)
	}
	if filter.Since != nil {
		q.After, err = h.lastBefore(ctx, *filter.Since)
	}
	return q, err
}

// lastBefore returns the seq of the newest event before an instant, 0 if there is none.
func (h *history) lastBefore(ctx context.Context, instant time.Time) (eventstore.Seq, error) {
	newest, err := h.events.ReadInstant(ctx, h.view().Head(), instant.Add(-time.Nanosecond))
	if err != nil {
		return 0, h.readFailed(err)
	}
	return newest.Seq, nil
}

// revisionsBack reads a page of what q selects, newest first, and the seq down to which it was
// examined. The revisions are not complete.
func (h *history) revisionsBack(ctx context.Context, q eventstore.Back, first int) ([]*eventstore.Revision, eventstore.Seq, error) {
	records, end, err := h.events.ReadBack(ctx, h.view().Head(), q, eventstore.Limit{Records: first})
	if err != nil {
		return nil, 0, h.readFailed(err)
	}
	records = slices.DeleteFunc(records, func(r eventstore.Record) bool { return config.IsStream(r.Name) })
	slices.Reverse(records) // as they are decoded: the end of a change set completes those before it
	revisions, err := eventstore.DecodeAll(records)
	if err != nil {
		return nil, 0, err
	}
	slices.Reverse(revisions)
	return revisions, end, nil
}
