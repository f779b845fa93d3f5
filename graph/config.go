package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/projection"
)

func (r configResolver) AsOf(ctx context.Context, obj *object.Config, at model.AsOfInput) (*object.ConfigRevision, error) {
	snapshot, err := r.asOf(ctx, at)
	if err != nil {
		return nil, err
	}
	snapshot = asSelected(ctx, snapshot)
	state, err := readState(ctx, func() (*projection.Config, error) { return snapshot.Config(ctx, obj.ConfigName()) })
	if state == nil {
		return nil, err
	}
	return object.NewStateRevision(state, r.store.OldValue(state)), nil
}

func (r configResolver) History(ctx context.Context, obj *object.Config, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	return r.history(ctx, obj.ConfigName(), obj.Newest(), first, after)
}

func (r configSnapshotResolver) Config(ctx context.Context, obj *object.ConfigSnapshot, text string) (*object.ConfigRevision, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	snapshot := asSelected(ctx, obj.Snapshot)
	state, err := readState(ctx, func() (*projection.Config, error) { return snapshot.Config(ctx, name) })
	if state == nil {
		return nil, err
	}
	return object.NewStateRevision(state, r.store.OldValue(state)), nil
}

func (r configSnapshotResolver) Configs(ctx context.Context, obj *object.ConfigSnapshot, input *model.ConfigFilterInput, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	page := object.Page[*projection.Config]{After: after != nil}
	var key string
	if after != nil {
		cursor, err := object.ParseCursor(object.SnapshotPages, *after)
		if err != nil {
			return nil, err
		}
		if cursor.At != obj.Position() {
			return nil, object.ErrForeignCursor
		}
		key = cursor.Key
	}
	found, err := readStates(ctx, obj.Snapshot, func(s *configstore.Snapshot) (configstore.ConfigPage, error) {
		return s.Configs(ctx, filter, key, pageSize(first, configsPage))
	})
	if err != nil {
		return nil, err
	}
	page.Items, page.More, page.End = found.Configs, found.More, found.End
	return object.NewSnapshotConnection(obj.Snapshot, page), nil
}
