package graph

import (
	"context"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

func (r queryResolver) Node(ctx context.Context, id string) (model.Node, error) {
	named, err := object.ParseID(id)
	if err != nil {
		return nil, &config.InvalidError{Field: "id", Rule: "must be an id that this server gave"}
	}
	if named.Token != (auth.TokenName{}) {
		return r.tokenNode(ctx, named.Token)
	}
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	if named.Config != (config.Name{}) {
		if found := r.present(reader.Config(named.Config)); found != nil {
			return found, nil
		}
		return nil, nil
	}
	revision, err := reader.Revision(ctx, named.Revision)
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

// present returns a config as the schema has it, nil for none.
func (r *resolver) present(c *projection.Config) *object.Config {
	if c == nil {
		return nil
	}
	return object.NewConfig(c, r.store.OldValue(c))
}

// Config returns the config that a revision changed, as it is now.
func (r configRevisionResolver) Config(ctx context.Context, obj *object.ConfigRevision) (*object.Config, error) {
	reader, err := r.reader(ctx)
	if err != nil {
		return nil, err
	}
	return r.present(reader.Config(obj.ConfigName())), nil
}
