package graph

import (
	"time"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/eventstore"
)

func filterOf(input *model.ConfigFilterInput) (config.Filter, error) {
	if input == nil {
		return config.Filter{}, nil
	}
	var prefix string
	if input.Prefix != nil {
		prefix = *input.Prefix
	}
	return config.ParseFilter(prefix, input.Names)
}

// filterContaining returns the filter for a list of configs with a part of the name.
func filterContaining(input *model.ConfigFilterInput, contains *string) (config.Filter, error) {
	filter, err := filterOf(input)
	if err != nil || contains == nil {
		return filter, err
	}
	return filter.Containing(*contains)
}

func changeFilterOf(input *model.ChangeFilterInput) (filter configstore.ChangeFilter, err error) {
	if input == nil {
		return filter, nil
	}
	if filter.Configs, err = filterOf(&model.ConfigFilterInput{Prefix: input.Prefix, Names: input.Names}); err != nil {
		return filter, err
	}
	filter.Actor, filter.Operations = input.Actor, input.Operations
	filter.Since, filter.Until = input.Since, input.Until
	return filter, nil
}

// pageSize returns the page size that a query asks for. The config store checks it.
func pageSize(first *int32, byDefault int) int {
	if first == nil {
		return byDefault
	}
	return int(*first)
}

// positionOrInstant returns the one field of an input that is set. @oneOf demands exactly one.
func positionOrInstant(field string, at model.AsOfInput) (*eventstore.Position, *time.Time, error) {
	position, instant := at.Position.Value(), at.Time.Value()
	if (position == nil) == (instant == nil) {
		return nil, nil, &config.InvalidError{Field: field, Rule: "must have exactly one of position and time, and not null"}
	}
	return position, instant, nil
}

// pointInTime returns the moment that an input names.
func pointInTime(field string, at model.AsOfInput) (configstore.PointInTime, error) {
	position, instant, err := positionOrInstant(field, at)
	switch {
	case err != nil:
		return configstore.PointInTime{}, err
	case position != nil:
		return configstore.PointInTime{Position: *position}, nil
	}
	return configstore.PointInTime{Instant: instant.UTC()}, nil
}

// fieldsOf returns what all inputs of mutations share.
func (r mutationResolver) fieldsOf(name string, version *int32, revision *eventstore.Position, reason, key *string) config.Fields {
	f := config.Fields{Name: name, MaxValueBytes: r.store.MaxValueBytes(), ExpectedVersion: wide(version), Reason: reason, IdempotencyKey: key}
	if revision != nil {
		f.Conditions = []config.Condition{config.RequireRevision(int64(revision.Seq), config.HashPrefix(revision.Prefix))}
	}
	return f
}

func batchOf(changes configstore.Changes) *model.ConfigChangeBatch {
	return &model.ConfigChangeBatch{
		Changes:  object.NewRevisions(changes.Revisions),
		Position: changes.Position,
		CaughtUp: changes.CaughtUp,
	}
}

// optionalTime returns nil for the zero time.
func optionalTime(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	return &at
}

// wide returns a number in 64 bits, nil for nil.
func wide(n *int32) *int64 {
	if n == nil {
		return nil
	}
	return new(int64(*n))
}
