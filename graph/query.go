package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// The sizes of pages when the query does not say: the defaults of the schema, for an explicit null.
const (
	configsPage = 50
	historyPage = 20
)

func (r queryResolver) Node(ctx context.Context, id string) (model.Node, error) {
	name, at, err := object.ParseID(id)
	if err != nil {
		return nil, &config.InvalidError{Field: "id", Rule: "must be an id that this server gave"}
	}
	if name != (config.Name{}) {
		if found := object.NewConfig(r.reader(ctx).Config(name)); found != nil {
			return found, nil
		}
		return nil, nil
	}
	revision, err := r.reader(ctx).Revision(ctx, at)
	if revision == nil {
		return nil, err
	}
	return object.NewRevision(revision), nil
}

func (r queryResolver) Config(ctx context.Context, text string) (*object.Config, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	return object.NewConfig(r.reader(ctx).Config(name)), nil
}

func (r queryResolver) Configs(ctx context.Context, input *model.ConfigFilterInput, first *int32, after *string) (*object.ConfigConnection, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	snapshot := r.reader(ctx).Now()
	page := object.Page[*projection.Config]{After: after != nil}
	var key string
	if after != nil {
		cursor, err := object.ParseCursor(object.ConfigPages, *after)
		if err != nil {
			return nil, err
		}
		if snapshot, err = r.pinned(ctx, cursor); err != nil {
			return nil, err
		}
		key = cursor.Key
	}
	page.Items, page.More, err = snapshot.Configs(ctx, filter, key, pageSize(first, configsPage))
	if err != nil {
		return nil, err
	}
	return object.NewConfigConnection(snapshot, filter, page), nil
}

func (r queryResolver) History(ctx context.Context, text string, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	return r.history(ctx, name, 0, first, after)
}

func (r queryResolver) AsOf(ctx context.Context, at model.AsOfInput) (*object.ConfigSnapshot, error) {
	snapshot, err := r.asOf(ctx, at)
	if err != nil {
		return nil, err
	}
	return &object.ConfigSnapshot{Snapshot: snapshot}, nil
}

func (r queryResolver) Changes(ctx context.Context, after *eventstore.Bookmark, input *model.ConfigFilterInput, first *int32) (*model.ConfigChangeBatch, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	if after == nil {
		after = &eventstore.Bookmark{}
	}
	changes, err := r.reader(ctx).Changes(ctx, *after, filter, pageSize(first, configsPage))
	if err != nil {
		return nil, err
	}
	return batchOf(changes), nil
}

func (r queryResolver) Bounds(ctx context.Context) (*model.HistoryBounds, error) {
	return &model.HistoryBounds{Head: r.reader(ctx).Head().Bookmark()}, nil
}

// history returns a page of a name's revisions, newest first: from the version newest (0: the newest there is), or after a
// cursor.
func (r *resolver) history(ctx context.Context, name config.Name, newest config.Version, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	reader := r.reader(ctx)
	at := reader.Head().Bookmark()
	page := object.Page[*eventstore.Revision]{After: after != nil}
	if after != nil {
		cursor, err := object.ParseCursor(object.HistoryPages, *after)
		if err != nil {
			return nil, err
		}
		before, err := cursor.VersionBefore(name)
		if err != nil {
			return nil, err
		}
		if _, err := r.pinned(ctx, cursor); err != nil {
			return nil, err
		}
		if at = cursor.At; before == 0 { // the cursor is at the oldest
			return object.NewHistoryConnection(at, page), nil
		}
		if newest == 0 || before < newest {
			newest = before
		}
		if at.Position > reader.Head().Position { // it was waited for, and is there now
			reader = r.store.Reader(r.caller(ctx))
		}
	}
	var err error
	page.Items, page.More, err = reader.History(ctx, name, newest, pageSize(first, historyPage))
	if err != nil {
		return nil, err
	}
	return object.NewHistoryConnection(at, page), nil
}

// asOf returns the snapshot of a moment.
func (r *resolver) asOf(ctx context.Context, at model.AsOfInput) (*configstore.Snapshot, error) {
	position, instant, err := momentOf(at)
	switch {
	case err != nil:
		return nil, err
	case position != nil:
		return r.reader(ctx).AsOf(ctx, *position)
	default:
		return r.reader(ctx).AsOfTime(ctx, *instant)
	}
}

// pinned returns the snapshot that the pages of a cursor are of. A position that the history does not know means that the
// cursor is not of this server.
func (r *resolver) pinned(ctx context.Context, cursor object.Cursor) (*configstore.Snapshot, error) {
	snapshot, err := r.reader(ctx).AsOf(ctx, cursor.At)
	if configstore.KindOf(err) == configstore.PositionUnknown {
		return nil, object.ErrForeignCursor
	}
	return snapshot, err
}
