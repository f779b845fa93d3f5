package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
)

func (r queryResolver) Diff(ctx context.Context, from model.AsOfInput, to *model.AsOfInput, input *model.ConfigFilterInput, toPrefix *string, first *int32, after *string) (*object.ConfigDiff, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	q := configstore.DiffQuery{Filter: filter}
	if toPrefix != nil {
		if q.ToPrefix = *toPrefix; q.ToPrefix == "" {
			return nil, &config.InvalidError{Field: "toPrefix", Rule: "must not be empty; leave it out to compare the same names"}
		}
	}
	list := object.List{Kind: pages.Diff, Arguments: argumentsOf(from, to, input, toPrefix)}
	page := object.Page[configstore.Difference]{After: after != nil}
	var name string
	if after == nil {
		q.From, q.To, err = r.moments(ctx, from, to)
	} else {
		q.From, q.To, name, err = r.momentsOf(ctx, list, *after)
	}
	if err != nil {
		return nil, err
	}
	list.At = q.To.At().Position()
	reader, err := r.readerAt(ctx, newer(q.From, q.To))
	if err != nil {
		return nil, err
	}
	found, err := readDiff(ctx, func() (configstore.DiffPage, error) {
		return reader.Diff(ctx, q, name, pageSize(first, diffPage), selects(ctx, "changes") || selects(ctx, "moreChanges"))
	})
	if err != nil {
		return nil, err
	}
	page.Items, page.More, page.End = found.Differences, found.More, found.End
	count := func(ctx context.Context) (int, error) { return reader.CountDiff(ctx, q) }
	return object.NewConfigDiff(list, q, page, count), nil
}

// moments returns the snapshots of the two moments of a diff. The second is now when it is left
// out.
func (r *resolver) moments(ctx context.Context, from model.AsOfInput, to *model.AsOfInput) (first, second *configstore.Snapshot, err error) {
	if first, err = r.snapshot(ctx, "from", from); err != nil {
		return nil, nil, err
	}
	if to != nil {
		second, err = r.snapshot(ctx, "to", *to)
		return first, second, err
	}
	reader, err := r.readerAt(ctx, first.At().Position())
	if err != nil {
		return nil, nil, err
	}
	return first, reader.Now(), nil
}

// momentsOf returns the snapshots of the two moments that the pages of a cursor are of, and the
// name that the cursor is at.
func (r *resolver) momentsOf(ctx context.Context, list object.List, after string) (first, second *configstore.Snapshot, name string, err error) {
	to, key, err := object.ParseListCursor(list.Kind, list.Arguments, after)
	if err != nil {
		return nil, nil, "", err
	}
	from, name, err := object.ParseDiffKey(key)
	if err != nil {
		return nil, nil, "", err
	}
	if first, err = r.snapshotOf(ctx, from); err != nil {
		return nil, nil, "", err
	}
	second, err = r.snapshotOf(ctx, to)
	return first, second, name, err
}

func newer(a, b *configstore.Snapshot) eventstore.Position {
	if a.At().Seq > b.At().Seq {
		return a.At().Position()
	}
	return b.At().Position()
}

func (r queryResolver) RecentChanges(ctx context.Context, input *model.ChangeFilterInput, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	filter, err := changeFilterOf(input)
	if err != nil {
		return nil, err
	}
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	list := object.List{Kind: pages.Recent, At: reader.Head().Position(), Arguments: argumentsOf(input)}
	page := object.Page[*eventstore.Revision]{After: after != nil}
	var before eventstore.Seq
	if after != nil {
		var key string
		if reader, list.At, key, err = r.readerAfter(ctx, list, *after); err != nil {
			return nil, err
		}
		if before, err = object.ParseSeqKey(key, list.At.Seq); err != nil {
			return nil, err
		}
	}
	found, err := readRecent(ctx, func() (configstore.RecentPage, error) {
		return reader.RecentChanges(ctx, filter, before, pageSize(first, configsPage))
	})
	if err != nil {
		return nil, err
	}
	page.Items, page.More = found.Revisions, found.More
	if found.End > 0 {
		page.End = object.SeqKey(found.End)
	}
	return object.NewRecentConnection(list, page), nil
}
