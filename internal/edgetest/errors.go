package edgetest

import (
	"errors"

	"configapi/internal/config"
	"configapi/internal/configstore"
)

// Failure is an error of one kind, and the code that every edge gives it.
type Failure struct {
	Kind configstore.Kind
	Err  error
	Code string
}

// Errors returns an error of each kind.
func Errors() []Failure {
	return []Failure{
		{configstore.Internal, errors.New("x"), "INTERNAL"},
		{configstore.InvalidInput, &config.InvalidError{Field: "name", Rule: "is empty"}, "INVALID_INPUT"},
		{configstore.TooLarge, &config.InvalidError{Field: "value", Rule: "is long", TooLarge: true}, "INVALID_INPUT"},
		{configstore.NotFound, &configstore.Refusal{Reason: config.ErrNotFound}, "NOT_FOUND"},
		{configstore.Deleted, &configstore.Refusal{Reason: config.ErrDeleted}, "DELETED"},
		{configstore.NotDeleted, &configstore.Refusal{Reason: config.ErrNotDeleted}, "VERSION_CONFLICT"},
		{configstore.VersionConflict, &configstore.Refusal{Reason: &config.VersionConflictError{}}, "VERSION_CONFLICT"},
		{configstore.PositionUnknown, configstore.ErrPositionUnknown, "POSITION_UNKNOWN"},
		{configstore.PositionNotReached, configstore.ErrPositionNotReached, "POSITION_NOT_REACHED"},
		{configstore.IdempotencyMismatch, configstore.ErrIdempotencyMismatch, "IDEMPOTENCY_MISMATCH"},
		{configstore.Unavailable, &configstore.UnavailableError{}, "UNAVAILABLE"},
	}
}
