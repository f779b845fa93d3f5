package graph

import (
	"errors"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/configstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// userError returns the data that the schema has for an expected failure, with the part of the
// input that it is about. The old values of the configs that it shows are read from old. It returns
// nil for any other error. A value that was erased has no type of its own: it is an
// InvalidInputError, since another input is needed.
func userError(err error, path []string, old *configstore.OldValues) model.UserError {
	var invalid *config.InvalidError
	var revert *fault.RevertConflict
	var refusal *fault.Refusal
	var denied *fault.ForbiddenError
	message := err.Error()
	switch {
	case errors.As(err, &denied):
		return model.ForbiddenError{Code: model.ErrorCodeForbidden, Message: message, Path: path, Action: model.Action(denied.Action.String())}
	case fault.KindOf(err) == fault.PositionUnknown:
		return model.InvalidInputError{Code: model.ErrorCodePositionUnknown, Message: message, Path: path}
	case errors.As(err, &invalid):
		return model.InvalidInputError{Code: model.ErrorCodeInvalidInput, Message: message, Path: path}
	case errors.Is(err, fault.ErrIdempotencyMismatch):
		return model.IdempotencyError{Code: model.ErrorCodeIdempotencyMismatch, Message: message, Path: path}
	case errors.As(err, &revert):
		return model.RevertConflictError{Code: model.ErrorCodeRevertConflict, Message: message, Path: path,
			Change: object.NewRevision(revert.Change), Current: object.NewStateRevision(revert.Current, old)}
	case errors.As(err, &refusal):
		return refusalError(refusal, message, path, old)
	}
	return nil
}

// refusalError returns the data for a command that was refused because of the config's state.
func refusalError(refusal *fault.Refusal, message string, path []string, old *configstore.OldValues) model.UserError {
	current := object.NewStateRevision(refusal.Current, old)
	switch fault.KindOf(refusal) {
	case fault.NotFound:
		return model.NotFoundError{Code: model.ErrorCodeNotFound, Message: message, Path: path}
	case fault.Deleted:
		return model.DeletedError{Code: model.ErrorCodeDeleted, Message: message, Path: path, Revision: current}
	case fault.NotDeleted:
		return model.NotDeletedError{Code: model.ErrorCodeNotDeleted, Message: message, Path: path, Current: current}
	case fault.VersionConflict:
		return model.VersionConflictError{Code: model.ErrorCodeVersionConflict, Message: message, Path: path, Current: current}
	case fault.Stale:
		return model.StaleError{Code: model.ErrorCodeStale, Message: message, Path: path, Current: current}
	case fault.Erased:
		return model.InvalidInputError{Code: model.ErrorCodeErased, Message: message, Path: path}
	}
	return nil
}

// stateOf returns the state of the config that a failure shows, nil for none.
func stateOf(err error) *projection.Config {
	var revert *fault.RevertConflict
	var refusal *fault.Refusal
	switch {
	case errors.As(err, &revert):
		return revert.Current
	case errors.As(err, &refusal):
		return refusal.Current
	}
	return nil
}

// fieldOf returns the field of a command's input that a failure is about.
func fieldOf(err error) string {
	var invalid *config.InvalidError
	switch {
	case errors.Is(err, config.ErrRevisionConflict):
		return "expectedRevision"
	case errors.As(err, &invalid):
		return invalid.Field
	case errors.Is(err, fault.ErrIdempotencyMismatch):
		return "idempotencyKey"
	case fault.KindOf(err) == fault.VersionConflict:
		return "expectedVersion"
	}
	return "name"
}

// isForbidden reports whether the caller lacks a right.
func isForbidden(err error) bool { return fault.KindOf(err) == fault.Denied }
