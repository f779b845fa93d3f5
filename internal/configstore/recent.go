package configstore

import (
	"context"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// ChangeFilter selects changes. All its conditions must hold; the zero ChangeFilter selects all.
type ChangeFilter struct {
	Configs    config.Filter
	Actor      *string // nil: any
	Operations []config.Operation
	Since      time.Time // at this instant or later; zero: any
	Until      time.Time // before this instant; zero: any
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
// filter selects, newest first, at most first of them and [PageBytes].
func (r *Reader) RecentChanges(ctx context.Context, filter ChangeFilter, before eventstore.Seq, first int) (RecentPage, error) {
	return RecentPage{}, errNotBuilt
}
