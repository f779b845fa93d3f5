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

func (r queryResolver) History(ctx context.Context, text string, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	return r.history(ctx, name, 0, first, after)
}

func (r configResolver) History(ctx context.Context, obj *object.Config, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	return r.history(ctx, obj.ConfigName(), obj.Newest(), first, after)
}

func (r queryResolver) Changes(ctx context.Context, after *eventstore.Position, input *model.ConfigFilterInput, first *int32) (*model.ConfigChangeBatch, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	if after == nil {
		after = &eventstore.Position{}
	}
	reader, err := r.readerAt(ctx, *after)
	if err != nil {
		return nil, err
	}
	changes, err := readChanges(ctx, func() (configstore.Changes, error) {
		return reader.Changes(ctx, *after, filter, pageSize(first, configsPage))
	})
	if err != nil {
		return nil, err
	}
	return batchOf(changes), nil
}

func (r queryResolver) Bounds(ctx context.Context) (*model.HistoryBounds, error) {
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	// Nothing is ever removed from a history, so a subscription can begin before its first change.
	return &model.HistoryBounds{Head: reader.Head().Position(), Earliest: eventstore.Position{}}, nil
}

// history returns a page of a name's revisions, newest first. The page begins with the version
// newest, 0 for the newest there is, or after a cursor.
func (r *resolver) history(ctx context.Context, name config.Name, newest config.Version, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	at := reader.Head().Position()
	page := object.Page[*eventstore.Revision]{After: after != nil}
	if after != nil {
		cursor, err := object.ParseCursor(pages.History, *after)
		if err != nil {
			return nil, err
		}
		before, err := object.VersionBefore(cursor, name)
		if err != nil {
			return nil, err
		}
		if _, err := r.snapshotOf(ctx, cursor.At); err != nil {
			return nil, err
		}
		if at = cursor.At; before == 0 { // the cursor is at the oldest revision
			return object.NewHistoryConnection(at, page), nil
		}
		if newest == 0 || before < newest {
			newest = before
		}
		if at.Seq > reader.Head().Seq { // snapshotOf has waited for it: a new reader includes it
			if reader, err = r.store.Reader(r.caller(ctx)); err != nil {
				return nil, err
			}
		}
	}
	page.Items, page.More, err = readRevisions(ctx, func() ([]*eventstore.Revision, bool, error) {
		return reader.History(ctx, name, newest, pageSize(first, historyPage))
	})
	if err != nil {
		return nil, err
	}
	return object.NewHistoryConnection(at, page), nil
}
