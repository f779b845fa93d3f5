package graph

import (
	"errors"

	"configapi/graph/model"
	"configapi/graph/object"
	"configapi/internal/config"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// userError returns the data that the schema has for an expected failure, with the part of the
// input that it is about. It returns nil for any other error. A value that was erased has no type
// of its own: it is an InvalidInputError, since another input is needed.
func (r *resolver) userError(err error, path ...string) model.UserError {
	var invalid *config.InvalidError
	var revert *fault.RevertConflict
	var refusal *fault.Refusal
	message := err.Error()
	switch {
	case errors.Is(err, fault.ErrNoRevision), errors.Is(err, fault.ErrPositionUnknown):
		return model.InvalidInputError{Code: model.ErrorCodePositionUnknown, Message: message, Path: path}
	case errors.As(err, &invalid):
		return model.InvalidInputError{Code: model.ErrorCodeInvalidInput, Message: message, Path: path}
	case errors.Is(err, fault.ErrIdempotencyMismatch):
		return model.IdempotencyError{Code: model.ErrorCodeIdempotencyMismatch, Message: message, Path: path}
	case errors.As(err, &revert):
		return model.RevertConflictError{Code: model.ErrorCodeRevertConflict, Message: message, Path: path,
			Change: object.NewRevision(revert.Change), Current: r.current(revert.Current)}
	case errors.As(err, &refusal):
		return r.refusalError(refusal, message, path)
	}
	return nil
}

// refusalError returns the data for a command that was refused because of the config's state.
func (r *resolver) refusalError(refusal *fault.Refusal, message string, path []string) model.UserError {
	current := r.current(refusal.Current)
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

// current returns the newest revision of a config, nil for a name that never had one.
func (r *resolver) current(state *projection.Config) *object.ConfigRevision {
	if state == nil {
		return nil
	}
	return object.NewStateRevision(state, r.store.OldValue(state))
}

// fieldOf returns the field of a command's input that a failure is about.
func fieldOf(err error) string {
	var invalid *config.InvalidError
	switch {
	case errors.Is(err, fault.ErrNoRevision), errors.Is(err, config.ErrRevisionConflict):
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
