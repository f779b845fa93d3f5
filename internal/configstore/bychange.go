package configstore

import (
	"context"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// ChangedPage is a page of configs ordered by their last change.
type ChangedPage struct {
	Configs []*projection.Config // the newest change first
	// More reports whether more configs may follow: continue before the seq End. A page can be
	// short, even empty, although more follow: it looks at 100,000 names at most.
	More bool
	End  eventstore.Seq
}

// ConfigsByChange returns the configs that the filter selects, the newest change first, those that
// changed last before a seq (0: all), at most first of them and [PageBytes]. Pages are of the
// reader's position, and do not stay on it: a config that changes meanwhile moves to the front, and
// none comes twice in pages of several readers. The error is a [*config.InvalidError], or that of
// ctx.
func (r *Reader) ConfigsByChange(ctx context.Context, filter config.Filter, before eventstore.Seq, first int) (ChangedPage, error) {
	return r.byChange(ctx, r.view.ByChange, filter, before, first)
}

// Deleted returns the states of deleted configs as [Reader.ConfigsByChange] returns those of
// existing ones. The newest revision of each is its deletion.
func (r *Reader) Deleted(ctx context.Context, filter config.Filter, before eventstore.Seq, first int) (ChangedPage, error) {
	return r.byChange(ctx, r.view.DeletedByChange, filter, before, first)
}

// CountDeleted returns how many deleted configs the filter selects. The error is that of ctx.
func (r *Reader) CountDeleted(ctx context.Context, filter config.Filter) (int, error) {
	return r.view.CountDeleted(filter), ctx.Err()
}

type walk = func(before eventstore.Seq, yield func(*projection.Config) bool)

func (r *Reader) byChange(ctx context.Context, walk walk, filter config.Filter, before eventstore.Seq, first int) (ChangedPage, error) {
	if err := checkPageSize(first); err != nil {
		return ChangedPage{}, err
	}
	page := ChangedPage{End: before}
	bytes := 0
	walk(before, func(c *projection.Config) bool {
		if !filter.Matches(c.Name) {
			return true
		}
		bytes += len(c.Name.String()) + len(c.Value.String())
		if len(page.Configs) == first || bytes > PageBytes && len(page.Configs) > 0 {
			page.More = true
			return false
		}
		page.Configs = append(page.Configs, c)
		page.End = c.Seq
		return true
	})
	return page, ctx.Err()
}
