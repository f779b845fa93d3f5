package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
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
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	if name != (config.Name{}) {
		if found := r.present(reader.Config(name)); found != nil {
			return found, nil
		}
		return nil, nil
	}
	revision, err := reader.Revision(ctx, at)
	if revision == nil {
		return nil, err
	}
	return object.NewRevision(revision), nil
}

func (r queryResolver) Config(ctx context.Context, text string, c *model.Consistency, atLeast *eventstore.Position) (*object.Config, error) {
	name, err := config.ParseName(text)
	if err != nil {
		return nil, err
	}
	reader, err := r.freshReader(ctx, c, atLeast)
	if err != nil {
		return nil, err
	}
	return r.present(reader.Config(name)), nil
}

// Configs gives a first page as fresh as it is asked for. The pages after it are of the same moment, so there an atLeast can
// only be one that they have.
func (r queryResolver) Configs(ctx context.Context, input *model.ConfigFilterInput, first *int32, after *string, c *model.Consistency, atLeast *eventstore.Position) (*object.ConfigConnection, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	reader, err := r.freshReader(ctx, c, atLeast)
	if err != nil {
		return nil, err
	}
	snapshot := reader.Now()
	page := object.Page[*projection.Config]{After: after != nil}
	var key string
	if after != nil {
		cursor, err := object.ParseCursor(object.ConfigPages, *after)
		if err != nil {
			return nil, err
		}
		if atLeast != nil && atLeast.Seq > cursor.At.Seq {
			return nil, &config.InvalidError{Field: "after", Rule: "is of pages that are older than atLeast; begin again without it"}
		}
		if snapshot, err = r.pinned(ctx, cursor); err != nil {
			return nil, err
		}
		key = cursor.Key
	}
	read := func(s *configstore.Snapshot) (configstore.ConfigPage, error) {
		return s.Configs(ctx, filter, key, pageSize(first, configsPage))
	}
	var found configstore.ConfigPage
	if after == nil {
		found, err = read(snapshot) // of the present, which is in memory anyway
	} else {
		found, err = readStates(ctx, snapshot, read)
	}
	if err != nil {
		return nil, err
	}
	page.Items, page.More, page.End = found.Configs, found.More, found.End
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

func (r queryResolver) Changes(ctx context.Context, after *eventstore.Position, input *model.ConfigFilterInput, first *int32) (*model.ConfigChangeBatch, error) {
	filter, err := filterOf(input)
	if err != nil {
		return nil, err
	}
	if after == nil {
		after = &eventstore.Position{}
	}
	reader, err := r.readerWith(ctx, *after)
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
	// Nothing is ever removed from a history, so a stream can begin before its first change.
	return &model.HistoryBounds{Head: reader.Head().Position(), Earliest: eventstore.Position{}}, nil
}

// present shows a config, nil for none.
func (r *resolver) present(c *projection.Config) *object.Config {
	if c == nil {
		return nil
	}
	return object.NewConfig(c, r.store.OldValue(c))
}

// history returns a page of a name's revisions, newest first: from the version newest (0: the newest there is), or after a
// cursor.
func (r *resolver) history(ctx context.Context, name config.Name, newest config.Version, first *int32, after *string) (*object.ConfigRevisionConnection, error) {
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	at := reader.Head().Position()
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
		if at.Seq > reader.Head().Seq { // it was waited for, and is there now
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

// pinned returns the snapshot that the pages of a cursor are of. A position that the history does not know means that the
// cursor is not of this server.
func (r *resolver) pinned(ctx context.Context, cursor object.Cursor) (*configstore.Snapshot, error) {
	snapshot, err := r.asOfPosition(ctx, cursor.At)
	if fault.KindOf(err) == fault.PositionUnknown {
		return nil, object.ErrForeignCursor
	}
	return snapshot, err
}
