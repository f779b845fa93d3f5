package graph

import (
	"context"
	"errors"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

func (r mutationResolver) SetConfig(ctx context.Context, input model.SetConfigInput) (model.SetConfigResult, error) {
	if o := r.operationOf(ctx).set; o != nil {
		return o.result, o.err
	}
	f := r.fieldsOf(input.Name, input.ExpectedVersion, input.ExpectedRevision, input.Reason, input.IdempotencyKey)
	f.Value = &input.Value
	f.OnlyIfChanged = isTrue(input.OnlyIfChanged)
	return do[model.SetConfigResult](ctx, r, input.ExpectedRevision, f, config.Fields.Set)
}

func (r mutationResolver) DeleteConfig(ctx context.Context, input model.DeleteConfigInput) (model.DeleteConfigResult, error) {
	f := r.fieldsOf(input.Name, input.ExpectedVersion, input.ExpectedRevision, input.Reason, input.IdempotencyKey)
	return do[model.DeleteConfigResult](ctx, r, input.ExpectedRevision, f, config.Fields.Delete)
}

func (r mutationResolver) RestoreConfig(ctx context.Context, input model.RestoreConfigInput) (model.RestoreConfigResult, error) {
	f := r.fieldsOf(input.Name, input.ExpectedVersion, input.ExpectedRevision, input.Reason, input.IdempotencyKey)
	f.Value = input.Value
	return do[model.RestoreConfigResult](ctx, r, input.ExpectedRevision, f, config.Fields.Restore)
}

// do carries out a command, and returns a member of the result union R: what was changed, or an
// expected failure. A result that is no member of the union is an internal error.
func do[R any, C config.Command](ctx context.Context, r mutationResolver, expected *eventstore.Position, f config.Fields, parse func(config.Fields) (C, error)) (R, error) {
	var none R
	cmd, err := parse(f)
	var set config.ChangeSet
	if err == nil {
		set, err = f.ChangeSet(cmd)
	}
	if err == nil && expected != nil && *expected == scalar.Malformed {
		err = fault.ErrNoRevision
	}
	if err == nil {
		var out configstore.Outcome
		if out, err = r.store.Do(ctx, r.caller(ctx), set); err == nil {
			return member[R](r.changed(out))
		}
	}
	r.denied(ctx, err)
	if failure := userError(err, []string{fieldOf(err)}, r.store.OldValue(stateOf(err))); failure != nil {
		return member[R](failure)
	}
	return none, err
}

func member[R any](result any) (R, error) {
	if m, ok := result.(R); ok {
		return m, nil
	}
	var none R
	return none, errors.New("the result is no member of the union")
}

func (r *resolver) changed(out configstore.Outcome) model.ConfigChanged {
	if out.Own != nil {
		return model.ConfigChanged{Revision: object.NewRevision(out.Own), Changed: out.Changed, Position: out.Position}
	}
	old := r.store.OldValue(out.Config)
	return model.ConfigChanged{
		Config:   object.NewConfig(out.Config, old),
		Revision: object.NewStateRevision(out.Config, old),
		Changed:  out.Changed,
		Position: out.Position,
	}
}
