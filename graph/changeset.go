package graph

import (
	"context"
	"errors"
	"strconv"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/graph/scalar"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

func (r mutationResolver) ApplyConfigs(ctx context.Context, input model.ApplyConfigsInput) (model.ApplyConfigsResult, error) {
	set := r.changeSetOf(input)
	return r.outcome(input.Changes)(r.store.Apply(ctx, r.caller(ctx), set))
}

func (r mutationResolver) RevertConfigs(ctx context.Context, input model.RevertConfigsInput) (model.ApplyConfigsResult, error) {
	panic("not built")
}

func (r mutationResolver) RevertChangeSet(ctx context.Context, input model.RevertChangeSetInput) (model.ApplyConfigsResult, error) {
	panic("not built")
}

// outcome returns what turns the outcome of a change set into a member of the result: what was
// changed, or all failures. changes are those of the input, for the paths of the failures.
func (r mutationResolver) outcome(changes []model.ConfigChangeInput) func(configstore.SetOutcome, error) (model.ApplyConfigsResult, error) {
	return func(out configstore.SetOutcome, err error) (model.ApplyConfigsResult, error) {
		var rejection *fault.Rejection
		switch {
		case err == nil:
			return configsChanged(out), nil
		case !errors.As(err, &rejection):
			return nil, err
		}
		rejected := model.ChangesRejected{Errors: make([]model.UserError, len(rejection.Failures)), Position: rejection.Position}
		for i, f := range rejection.Failures {
			if rejected.Errors[i] = r.userError(f.Err, pathOf(f, changes)...); rejected.Errors[i] == nil {
				return nil, f.Err
			}
		}
		return rejected, nil
	}
}

func configsChanged(out configstore.SetOutcome) model.ConfigsChanged {
	changed := model.ConfigsChanged{Unchanged: make([]string, len(out.Unchanged)), Position: out.Position, DryRun: out.DryRun}
	if out.DryRun {
		changed.Revisions = object.NewPlannedRevisions(out.Revisions)
	} else {
		changed.Revisions = object.NewRevisions(out.Revisions)
	}
	for i, name := range out.Unchanged {
		changed.Unchanged[i] = name.String()
	}
	return changed
}

// pathOf returns the part of the input that a failure is about, nil for a config that the input
// does not name.
func pathOf(f fault.Failure, changes []model.ConfigChangeInput) []string {
	field := f.Field
	if f.Change < 0 || f.Change >= len(changes) {
		if field == "" {
			return nil
		}
		return []string{field}
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

// changeSetOf returns the change set that a client asks for.
func (r mutationResolver) changeSetOf(input model.ApplyConfigsInput) config.ChangeSet {
	set := config.ChangeSet{
		Changes:  make([]config.Change, len(input.Changes)),
		AsSeenAt: revisionID(input.AsSeenAt),
		DryRun:   input.DryRun != nil && *input.DryRun,
	}
	for i, change := range input.Changes {
		set.Changes[i] = r.changeOf(change)
	}
	return set
}

func (r mutationResolver) changeOf(input model.ConfigChangeInput) (change config.Change) {
	var f config.Fields
	var revision *eventstore.Position
	var parse func() (config.Command, error)
	switch {
	case input.Set != nil:
		c := input.Set
		f = r.fieldsOf(c.Name, c.ExpectedVersion, c.ExpectedRevision, nil, nil)
		f.Value = &c.Value
		f.OnlyIfChanged = c.OnlyIfChanged != nil && *c.OnlyIfChanged
		revision, parse = c.ExpectedRevision, func() (config.Command, error) { return f.Set() }
	case input.Delete != nil:
		c := input.Delete
		f = r.fieldsOf(c.Name, c.ExpectedVersion, c.ExpectedRevision, nil, nil)
		revision, parse = c.ExpectedRevision, func() (config.Command, error) { return f.Delete() }
	case input.Restore != nil:
		c := input.Restore
		f = r.fieldsOf(c.Name, c.ExpectedVersion, c.ExpectedRevision, nil, nil)
		f.Value = c.Value
		revision, parse = c.ExpectedRevision, func() (config.Command, error) { return f.Restore() }
	}
	if revision != nil && *revision == scalar.Malformed {
		return config.Change{Invalid: []*config.InvalidError{errNoRevision}}
	}
	cmd, err := parse()
	var invalid *config.InvalidError
	if errors.As(err, &invalid) {
		return config.Change{Invalid: []*config.InvalidError{invalid}}
	}
	return config.Change{Command: cmd}
}

// revisionID returns a position as package config has it, nil for nil.
func revisionID(at *eventstore.Position) *config.RevisionID {
	if at == nil {
		return nil
	}
	return &config.RevisionID{Seq: int64(at.Seq), Hash: config.HashPrefix(at.Prefix)}
}
