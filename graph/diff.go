package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
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
	var reader *configstore.Reader
	var name string
	if after == nil {
		reader, q.From, q.To, err = r.moments(ctx, from, to)
	} else {
		reader, q.From, q.To, name, err = r.momentsOf(ctx, list, *after)
	}
	if err != nil {
		return nil, err
	}
	found, err := readDiff(ctx, func() (configstore.DiffPage, error) {
		return reader.Diff(ctx, q, name, pageSize(first, diffPage), selects(ctx, "changes") || selects(ctx, "moreChanges"))
	})
	if err != nil {
		return nil, err
	}
	list.At = q.To.At().Position()
	page.Items, page.More, page.End = found.Differences, found.More, found.End
	count := func(ctx context.Context) (int, error) { return reader.CountDiff(ctx, q) }
	return object.NewConfigDiff(list, q, page, count), nil
}

// moments returns a reader with its snapshots of the two moments of a diff. The second is now when
// it is left out.
func (r *resolver) moments(ctx context.Context, from model.AsOfInput, to *model.AsOfInput) (reader *configstore.Reader, first, second *configstore.Snapshot, err error) {
	start, err := pointInTime("from", from)
	if err != nil {
		return nil, nil, nil, err
	}
	var end configstore.PointInTime
	if to != nil {
		if end, err = pointInTime("to", *to); err != nil {
			return nil, nil, nil, err
		}
	}
	if reader, err = r.readerAt(ctx, newer(start.Position, end.Position)); err != nil {
		return nil, nil, nil, err
	}
	if first, err = reader.AsOfPoint(ctx, start); err != nil {
		return nil, nil, nil, err
	}
	if to == nil {
		return reader, first, reader.Now(), nil
	}
	second, err = reader.AsOfPoint(ctx, end)
	return reader, first, second, err
}

// momentsOf returns a reader with its snapshots of the two moments that the pages of a cursor are
// of, and the name that the cursor is at. A cursor whose positions the history does not know is not
// of this server.
func (r *resolver) momentsOf(ctx context.Context, list object.List, after string) (reader *configstore.Reader, first, second *configstore.Snapshot, name string, err error) {
	to, key, err := object.ParseListCursor(list.Kind, list.Arguments, after)
	if err != nil {
		return nil, nil, nil, "", err
	}
	from, name, err := object.ParseDiffKey(key)
	if err != nil {
		return nil, nil, nil, "", err
	}
	reader, err = r.readerAt(ctx, newer(from, to))
	if err == nil {
		first, err = reader.AsOf(ctx, from)
	}
	if err == nil {
		second, err = reader.AsOf(ctx, to)
	}
	if fault.KindOf(err) == fault.PositionUnknown {
		err = object.ErrForeignCursor
	}
	return reader, first, second, name, err
}

func newer(a, b eventstore.Position) eventstore.Position {
	if a.Seq > b.Seq {
		return a
	}
	return b
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
