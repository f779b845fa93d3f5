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
	"configapi/internal/projection"
)

func (r queryResolver) AsOf(ctx context.Context, at model.AsOfInput) (*object.ConfigSnapshot, error) {
	snapshot, err := r.snapshot(ctx, "at", at)
	if err != nil {
		return nil, err
	}
	return &object.ConfigSnapshot{Snapshot: snapshot}, nil
}

func (r configResolver) AsOf(ctx context.Context, obj *object.Config, at model.AsOfInput) (*object.ConfigRevision, error) {
	snapshot, err := r.snapshot(ctx, "at", at)
	if err != nil {
		return nil, err
	}
	return r.pastState(ctx, snapshot, obj.ConfigName())
}

func (r configSnapshotResolver) Config(ctx context.Context, obj *object.ConfigSnapshot, text string) (*object.ConfigRevision, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	return r.pastState(ctx, obj.Snapshot, name)
}

func (r configSnapshotResolver) Configs(ctx context.Context, obj *object.ConfigSnapshot, input *model.ConfigFilterInput, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	page := object.Page[*projection.Config]{After: after != nil}
	var key string
	if after != nil {
		cursor, err := object.ParseCursor(pages.Snapshot, *after)
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

// pastState returns the revision of a name that was in force at a snapshot, nil for none.
func (r *resolver) pastState(ctx context.Context, snapshot *configstore.Snapshot, name config.Name) (*object.ConfigRevision, error) {
	snapshot = withSelectedValues(ctx, snapshot)
	state, err := readState(ctx, func() (*projection.Config, error) { return snapshot.Config(ctx, name) })
	if state == nil {
		return nil, err
	}
	return object.NewStateRevision(state, r.store.OldValue(state)), nil
}

// snapshot returns the snapshot of a position or an instant, which an argument has given. A query
// looks an instant up once, and shares the snapshot between all fields that ask for it.
func (r *resolver) snapshot(ctx context.Context, argument string, at model.AsOfInput) (*configstore.Snapshot, error) {
	position, instant, err := positionOrInstant(argument, at)
	switch {
	case err != nil:
		return nil, err
	case position != nil:
		return r.snapshotAt(ctx, *position)
	}
	find := func() (*configstore.Snapshot, error) {
		reader, err := r.reader(ctx)
		if err != nil {
			return nil, err
		}
		return reader.AsOfTime(ctx, *instant)
	}
	o := r.operationOf(ctx)
	if o.reader == nil { // a mutation, whose fields change what a future instant means
		return find()
	}
	return o.snapshots.Get(ctx, configstore.PointInTime{Instant: instant.UTC()}, find)
}

// snapshotAt returns the snapshot of a position, and waits for the position if it is not reached
// yet. All fields of the operation that ask for it share the snapshot.
func (r *resolver) snapshotAt(ctx context.Context, at eventstore.Position) (*configstore.Snapshot, error) {
	return r.operationOf(ctx).snapshots.Get(ctx, configstore.PointInTime{Position: at}, func() (*configstore.Snapshot, error) {
		reader, err := r.readerAt(ctx, at)
		if err != nil {
			return nil, err
		}
		return reader.AsOf(ctx, at)
	})
}

// snapshotOf returns the snapshot that the pages of a cursor are of. A cursor whose position the
// history does not know is not of this server.
func (r *resolver) snapshotOf(ctx context.Context, at eventstore.Position) (*configstore.Snapshot, error) {
	snapshot, err := r.snapshotAt(ctx, at)
	if fault.KindOf(err) == fault.PositionUnknown {
		return nil, object.ErrForeignCursor
	}
	return snapshot, err
}
