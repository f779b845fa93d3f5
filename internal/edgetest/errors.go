package edgetest

import (
	"errors"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/fault"
)

// Failure is an error of one kind.
type Failure struct {
	Kind fault.Kind
	Err  error
}

// Errors returns an error of each kind that the config store can return.
func Errors() []Failure {
	return []Failure{
		{fault.Internal, errors.New("x")},
		{fault.InvalidInput, &config.InvalidError{Field: "name", Rule: "is empty"}},
		{fault.TooLarge, &config.InvalidError{Field: "value", Rule: "is long", TooLarge: true}},
		{fault.NotFound, &fault.Refusal{Reason: config.ErrNotFound}},
		{fault.Deleted, &fault.Refusal{Reason: config.ErrDeleted}},
		{fault.NotDeleted, &fault.Refusal{Reason: config.ErrNotDeleted}},
		{fault.VersionConflict, &fault.Refusal{Reason: &config.VersionConflictError{}}},
		{fault.PositionUnknown, fault.ErrPositionUnknown},
		{fault.PositionNotReached, fault.ErrPositionNotReached},
		{fault.IdempotencyMismatch, fault.ErrIdempotencyMismatch},
		{fault.Stale, &fault.Refusal{Reason: fault.ErrStale}},
		{fault.RevertBlocked, &fault.RevertConflict{}},
		{fault.Erased, &fault.Refusal{Reason: fault.ErrErased}},
		{fault.Denied, &fault.ForbiddenError{Action: auth.Write, On: "a"}},
		{fault.Unauthenticated, auth.ErrNotValid},
		{fault.Unavailable, &fault.UnavailableError{}},
	}
}
