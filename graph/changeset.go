package graph

import (
	"context"
	"errors"
	"strconv"

	"configapi/graph/input"
	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

func (r mutationResolver) ApplyConfigs(ctx context.Context, input input.ChangeSet) (model.ApplyConfigsResult, error) {
	out, err := r.store.Apply(ctx, r.caller(ctx), r.changeSetOf(input))
	return r.applied(ctx, out, err, input.Changes)
}

// applied returns the member of the result for the outcome of a change set: what was changed, or
// all failures. changes are those of the input, for the paths of the failures.
func (r mutationResolver) applied(ctx context.Context, out configstore.SetOutcome, err error, changes []model.ConfigChangeInput) (model.ApplyConfigsResult, error) {
	var rejection *fault.Rejection
	switch {
	case err == nil:
		return object.NewConfigsChanged(out), nil
	case !errors.As(err, &rejection):
		return nil, err
	}
	r.denied(ctx, err)
	var states []*projection.Config
	for _, f := range rejection.Failures {
		if state := stateOf(f.Err); state != nil {
			states = append(states, state)
		}
	}
	old := r.store.OldValuesOf(states)
	rejected := model.ChangesRejected{Errors: make([]model.UserError, len(rejection.Failures)), Position: rejection.Position}
	for i, f := range rejection.Failures {
		if rejected.Errors[i] = userError(f.Err, pathOf(f, changes), old); rejected.Errors[i] == nil {
			return nil, f.Err
		}
	}
	return rejected, nil
}

// pathOf returns the part of the input that a failure is about, nil for a config that the input
// does not name.
func pathOf(f fault.Failure, changes []model.ConfigChangeInput) []string {
	field := f.Field
	if f.Change < 0 || f.Change >= len(changes) {
		if field == "" {
			return nil
		}
		return fieldPath(field)
	}
	if field == "" {
		field = fieldOf(f.Err)
	}
	return []string{"changes", strconv.Itoa(f.Change), kindOf(changes[f.Change]), field}
}

// kindOf returns the field of a change that is given. @oneOf demands exactly one.
func kindOf(c model.ConfigChangeInput) string {
	switch {
	case c.Set != nil:
		return "set"
	case c.Delete != nil:
		return "delete"
	}
	return "restore"
}

// changeSetOf returns the change set that a client asks for, with all that is wrong with it.
func (r mutationResolver) changeSetOf(input input.ChangeSet) config.ChangeSet {
	fields := config.ChangeSetFields{
		Changes:        make([]config.ChangeFields, len(input.Changes)),
		AsSeenAt:       revisionID(input.AsSeenAt),
		DryRun:         isTrue(input.DryRun),
		Reason:         input.Reason,
		IdempotencyKey: input.IdempotencyKey,
	}
	for i, change := range input.Changes {
		fields.Changes[i] = r.changeOf(change)
	}
	return fields.Parse()
}

func (r mutationResolver) changeOf(input model.ConfigChangeInput) (change config.ChangeFields) {
	var revision *eventstore.Position
	switch {
	case input.Set != nil:
		c := input.Set
		revision, change.Kind = c.ExpectedRevision, config.SetChange
		change.Fields = r.fieldsOf(c.Name, c.ExpectedVersion, revision, nil, nil)
		change.Value, change.OnlyIfChanged = &c.Value, isTrue(c.OnlyIfChanged)
	case input.Delete != nil:
		c := input.Delete
		revision, change.Kind = c.ExpectedRevision, config.DeleteChange
		change.Fields = r.fieldsOf(c.Name, c.ExpectedVersion, revision, nil, nil)
	case input.Restore != nil:
		c := input.Restore
		revision, change.Kind = c.ExpectedRevision, config.RestoreChange
		change.Fields = r.fieldsOf(c.Name, c.ExpectedVersion, revision, nil, nil)
		change.Value = c.Value
	}
	if revision != nil && *revision == scalar.Malformed {
		change.Invalid = fault.ErrNoRevision
	}
	return change
}

func isTrue(flag *bool) bool { return flag != nil && *flag }

// revisionID returns a position as package config has it, nil for nil.
func revisionID(at *eventstore.Position) *config.RevisionID {
	if at == nil {
		return nil
	}
	return &config.RevisionID{Seq: int64(at.Seq), Hash: config.HashPrefix(at.Prefix)}
}
