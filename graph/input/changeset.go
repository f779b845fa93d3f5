// Package input reads the input objects of the schema that may be large, and that of setConfig, in
// place of the code that gqlgen generates. That code copies each object and makes a context for
// each of its fields, which was a quarter of what a set of 1,000 changes costs: see BenchmarkApply
// of package graph.
//
// It reads values that package coerce has checked, so an error is one of the program.
package input

import (
	"fmt"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/model"
	"configapi/graph/scalar"
	"configapi/internal/eventstore"
)

// ChangeSet is an ApplyConfigsInput.
type ChangeSet struct {
	Changes        []model.ConfigChangeInput
	AsSeenAt       *eventstore.Position
	DryRun         *bool
	Reason         *string
	IdempotencyKey *string
}

// UnmarshalGQL reads the input, a map[string]any. The error says which type a value has in place of
// its own.
func (s *ChangeSet) UnmarshalGQL(value any) error {
	input, err := as[map[string]any](value)
	if err != nil {
		return err
	}
	list := graphql.CoerceList(input["changes"])
	s.Changes = make([]model.ConfigChangeInput, len(list))
	sets := make([]model.SetChangeInput, len(list)) // those of all changes are one allocation
	for i, item := range list {
		if err := readChange(item, &s.Changes[i], &sets[i]); err != nil {
			return err
		}
	}
	if s.AsSeenAt, err = position(input["asSeenAt"]); err != nil {
		return err
	}
	if s.DryRun, err = optional[bool](input["dryRun"]); err != nil {
		return err
	}
	if s.Reason, err = optional[string](input["reason"]); err != nil {
		return err
	}
	s.IdempotencyKey, err = optional[string](input["idempotencyKey"])
	return err
}

// MarshalGQL writes null. No answer has an input, but gqlgen calls UnmarshalGQL only of types that
// have both methods.
func (s *ChangeSet) MarshalGQL(w io.Writer) { graphql.Null.MarshalGQL(w) }

// readChange reads a ConfigChangeInput. That of a set is read into set.
func readChange(item any, to *model.ConfigChangeInput, set *model.SetChangeInput) error {
	change, err := as[map[string]any](item)
	if err != nil {
		return err
	}
	switch given := change["set"]; { // exactly one is given, by @oneOf
	case given != nil:
		to.Set = set
		return readSet(given, set)
	case change["delete"] != nil:
		to.Delete = new(model.DeleteChangeInput)
		return readDelete(change["delete"], to.Delete)
	}
	to.Restore = new(model.RestoreChangeInput)
	return readRestore(change["restore"], to.Restore)
}

func readSet(value any, to *model.SetChangeInput) error {
	fields, err := as[map[string]any](value)
	if err != nil {
		return err
	}
	if to.Value, err = as[string](fields["value"]); err != nil {
		return err
	}
	if to.OnlyIfChanged, err = optional[bool](fields["onlyIfChanged"]); err != nil {
		return err
	}
	to.Name, to.ExpectedVersion, to.ExpectedRevision, err = common(fields)
	return err
}

func readDelete(value any, to *model.DeleteChangeInput) error {
	fields, err := as[map[string]any](value)
	if err != nil {
		return err
	}
	to.Name, to.ExpectedVersion, to.ExpectedRevision, err = common(fields)
	return err
}

func readRestore(value any, to *model.RestoreChangeInput) error {
	fields, err := as[map[string]any](value)
	if err != nil {
		return err
	}
	if to.Value, err = optional[string](fields["value"]); err != nil {
		return err
	}
	to.Name, to.ExpectedVersion, to.ExpectedRevision, err = common(fields)
	return err
}

// common reads the fields that all changes have.
func common(fields map[string]any) (name string, version *int32, revision *eventstore.Position, err error) {
	if name, err = as[string](fields["name"]); err != nil {
		return "", nil, nil, err
	}
	if given := fields["expectedVersion"]; given != nil {
		n, err := scalar.UnmarshalInt(given)
		if err != nil {
			return "", nil, nil, err
		}
		version = &n
	}
	revision, err = position(fields["expectedRevision"])
	return name, version, revision, err
}

// position reads a position, nil for null. One that is malformed is [scalar.Malformed].
func position(value any) (*eventstore.Position, error) {
	if value == nil {
		return nil, nil
	}
	at, err := scalar.UnmarshalPosition(value)
	return &at, err
}

// optional returns a value, nil for null.
func optional[T any](value any) (*T, error) {
	if value == nil {
		return nil, nil
	}
	v, err := as[T](value)
	return &v, err
}

// as returns a value as one of type T. The error does not show the value.
func as[T any](value any) (T, error) {
	v, is := value.(T)
	if !is {
		return v, fmt.Errorf("reading an input: got %T, want %T", value, v)
	}
	return v, nil
}
