package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/pages"
	"configapi/internal/projection"
)

// The page sizes for an explicit null. They are the defaults of the schema.
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

// Configs returns a first page that is as fresh as it is asked for. The pages after it are at the
// position of the first, so an atLeast that is newer than them is refused there.
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
		cursor, err := object.ParseCursor(pages.Configs, *after)
		if err != nil {
			return nil, err
		}
		if atLeast != nil && atLeast.Seq > cursor.At.Seq {
			return nil, &config.InvalidError{Field: "after", Rule: "is of pages that are older than atLeast; begin again without it"}
		}
		if snapshot, err = r.snapshotOf(ctx, cursor); err != nil {
			return nil, err
		}
		key = cursor.Key
	}
	read := func(s *configstore.Snapshot) (configstore.ConfigPage, error) {
		return s.Configs(ctx, filter, key, pageSize(first, configsPage))
	}
	var found configstore.ConfigPage
	if after == nil {
		found, err = read(snapshot) // the present is in memory anyway
	} else {
		found, err = readStates(ctx, snapshot, read)
	}
	if err != nil {
		return nil, err
	}
	page.Items, page.More, page.End = found.Configs, found.More, found.End
	return object.NewConfigConnection(snapshot, filter, page), nil
}

// present returns a config as the schema has it, nil for none.
func (r *resolver) present(c *projection.Config) *object.Config {
	if c == nil {
		return nil
	}
	return object.NewConfig(c, r.store.OldValue(c))
}
