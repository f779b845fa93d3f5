package edgetest

import (
	"errors"

	"configapi/internal/config"
	"configapi/internal/fault"
)

// Failure is an error of one kind, and the code that every edge gives it.
type Failure struct {
	Kind fault.Kind
	Err  error
	Code string
}

// Errors returns an error of each kind.
func Errors() []Failure {
	return []Failure{
		{fault.Internal, errors.New("x"), "INTERNAL"},
		{fault.InvalidInput, &config.InvalidError{Field: "name", Rule: "is empty"}, "INVALID_INPUT"},
		{fault.TooLarge, &config.InvalidError{Field: "value", Rule: "is long", TooLarge: true}, "INVALID_INPUT"},
		{fault.NotFound, &fault.Refusal{Reason: config.ErrNotFound}, "NOT_FOUND"},
		{fault.Deleted, &fault.Refusal{Reason: config.ErrDeleted}, "DELETED"},
		{fault.NotDeleted, &fault.Refusal{Reason: config.ErrNotDeleted}, "VERSION_CONFLICT"},
		{fault.VersionConflict, &fault.Refusal{Reason: &config.VersionConflictError{}}, "VERSION_CONFLICT"},
		{fault.PositionUnknown, fault.ErrPositionUnknown, "POSITION_UNKNOWN"},
		{fault.PositionNotReached, fault.ErrPositionNotReached, "POSITION_NOT_REACHED"},
		{fault.IdempotencyMismatch, fault.ErrIdempotencyMismatch, "IDEMPOTENCY_MISMATCH"},
		{fault.Unavailable, &fault.UnavailableError{}, "UNAVAILABLE"},
	}
}
