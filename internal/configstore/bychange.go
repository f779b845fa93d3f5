package configstore

import (
	"cmp"
	"context"
	"slices"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// ChangedPage is a page of configs by their last change.
type ChangedPage struct {
	Configs []*projection.Config // the newest change first
	// More reports whether more configs may follow: continue before the seq End. A page can be
	// short, even empty, although more follow: it looks at [Options.ScanNames] at most.
	More bool
	End  eventstore.Seq

	bytes int // of names and values
}

// ConfigsByChange returns the configs that the filter selects, the newest change first, of those
// that changed last before a seq (0: all), at most first of them and [PageBytes]. Pages are of the
// reader's position, and do not stay on it: a config that has changed meanwhile has moved to the
// front, and none comes twice in pages that continue one another. The error is a
// [*config.InvalidError], or that of ctx.
func (r *Reader) ConfigsByChange(ctx context.Context, filter config.Filter, before eventstore.Seq, first int) (ChangedPage, error) {
	return changedPage(ctx, r, filter, before, first, byChange{
		ascend: r.view.AscendExisting, count: r.view.Count, descend: (*projection.Order).Existing,
	})
}

// Deleted returns the states of deleted configs as [Reader.ConfigsByChange] returns those of
// existing ones. The newest revision of each is its deletion.
func (r *Reader) Deleted(ctx context.Context, filter config.Filter, before eventstore.Seq, first int) (ChangedPage, error) {
	return changedPage(ctx, r, filter, before, first, byChange{
		ascend: r.view.AscendDeleted, count: r.view.CountDeleted, descend: (*projection.Order).Deleted,
	})
}

// byChange are the ways to find existing configs, or deleted ones.
type byChange struct {
	ascend  ascend
	count   func(config.Filter) int
	descend func(o *projection.Order, before eventstore.Seq, yield func(eventstore.Seq, config.Name) bool)
}

func changedPage(ctx context.Context, r *Reader, filter config.Filter, before eventstore.Seq, first int, find byChange) (ChangedPage, error) {
	if err := checkPageSize(first); err != nil {
		return ChangedPage{}, err
	}
	if err := ctx.Err(); err != nil {
		return ChangedPage{}, err
	}
	filter = filter.Within(r.scope)
	// Unless it is much, to sort what is selected costs less than to look for it in the order of
	// all names.
	if !filter.All() && find.count(filter.WithoutPart()) <= r.generation.opts.ScanNames/20 {
		return sortedPage(filter, before, first, find), nil
	}
	order, err := r.generation.projection.Order(ctx, r.view)
	if err != nil {
		return ChangedPage{}, err
	}
	page := ChangedPage{End: before}
	if filter.All() {
		find.descend(order, before, func(_ eventstore.Seq, name config.Name) bool {
			return page.take(r.view.Get(name), first)
		})
		return page, nil
	}
	if err := r.generation.scans.Acquire(ctx, 1); err != nil {
		return ChangedPage{}, err
	}
	defer r.generation.scans.Release(1)
	scan := r.generation.newScan()
	find.descend(order, before, func(seq eventstore.Seq, name config.Name) bool {
		if filter.Matches(name) {
			return page.take(r.view.Get(name), first)
		}
		page.End, page.More = seq, !scan.next()
		return !page.More
	})
	return page, nil
}

// sortedPage makes a page of all that a filter selects, which is not much.
func sortedPage(filter config.Filter, before eventstore.Seq, first int, find byChange) ChangedPage {
	var found []*projection.Config
	find.ascend(filter, "", func(c *projection.Config) bool {
		if before <= 0 || c.Seq < before {
			found = append(found, c)
		}
		return true
	})
	slices.SortFunc(found, func(a, b *projection.Config) int { return cmp.Compare(b.Seq, a.Seq) })
	page := ChangedPage{End: before}
	for _, c := range found {
		if !page.take(c, first) {
			break
		}
	}
	return page
}

// take adds a config. It reports whether the page has taken it: a full page knows that more follow.
func (p *ChangedPage) take(c *projection.Config, first int) bool {
	bytes := len(c.Name.String()) + len(c.Value.String())
	if len(p.Configs) == first || p.bytes+bytes > PageBytes && len(p.Configs) > 0 {
		p.More = true
		return false
	}
	p.Configs, p.End, p.bytes = append(p.Configs, c), c.Seq, p.bytes+bytes
	return true
}

// CountDeleted returns how many deleted configs the filter selects. The error is that of ctx.
func (r *Reader) CountDeleted(ctx context.Context, filter config.Filter) (int, error) {
	filter = filter.Within(r.scope)
	if filter.Part() == "" {
		return r.view.CountDeleted(filter), nil
	}
	return r.generation.countParts(ctx, r.view.AscendDeleted, filter)
}
