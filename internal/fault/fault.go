// Package fault has the errors that clients can get, classifies them by [Kind], and has the one
// table of what each kind is on every edge: the code in problem details and in GraphQL, the HTTP
// status, the exit code.
//
// Every layer from the writer up to the edges uses these errors, so the package stands below all of
// them. It sends nothing and logs nothing. docs/errors.md is made from the table:
//
//	go test ./internal/fault -run TestPage -update
package fault

import (
	"context"
	"errors"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

var (
	// ErrPositionUnknown says that the history never handed out the position: the position is of
	// another store, or of a history that was lost.
	ErrPositionUnknown = errors.New("this history never handed out that position")
	// ErrPositionNotReached says that the history has the position, but that this node did not
	// apply it within the time that the caller allowed.
	ErrPositionNotReached = errors.New("the position was not reached in time; try again later")
	// ErrIdempotencyMismatch says that the caller has used the idempotency key for another command.
	// Nothing was written.
	ErrIdempotencyMismatch = errors.New("the idempotency key was used for another request; take a new one")
	// ErrNotReady says that this node has not yet applied the history that it found at its start.
	ErrNotReady = errors.New("the server is starting: it has not read its history yet")
	// ErrRebuilding says that the history is not the one that this node has applied, and that the
	// node reads it anew.
	ErrRebuilding = errors.New("the server reads its history anew: it is not the one that it had applied; try again later")
	// ErrBroken says that a record of the history is not what was written, so that this node serves
	// nothing. It is the cause of an [UnavailableError].
	ErrBroken = errors.New("nothing is read or written: the history of the server is broken; its operator must put it right")
	// ErrTokenUnknown says that a command for a token may have been carried out. It is the cause of
	// an [UnavailableError].
	ErrTokenUnknown = errors.New("the outcome is unknown: the token may have been changed; look at it, " +
		"and rotate it when you have not got its secret")
	// ErrTooManyUnknown says that a token was not looked for, because too many requests with tokens
	// that this node does not know wait already. It is the cause of an [UnavailableError].
	ErrTooManyUnknown = errors.New("too many requests come with tokens that this server does not know; try again later")
	// ErrRightsTooOld says that a caller was refused because this node has not reached the event
	// store for so long that the caller's rights may have ended. It is the cause of an
	// [UnavailableError].
	ErrRightsTooOld = errors.New("this server has not reached the store for too long to know who may do what; " +
		"ask another server, or try again later")
	// ErrClockAhead says that a write was refused because this node's clock is too far ahead. It is
	// the cause of an [UnavailableError].
	ErrClockAhead = errors.New("nothing was written: this server's clock is more than a minute ahead of the database's; " +
		"write to another server, or set the clock right")
)

// UnavailableError says that a read or a write was not carried out, or that the outcome of a write
// is unknown, because the event store or this node is not available. The zero value says that
// nothing was written.
type UnavailableError struct {
	// Reading reports whether the call was a read.
	Reading bool
	// OutcomeUnknown reports whether the change may have been made, or may still be made: the
	// caller must read the config before trying again. When it is false, nothing was written.
	OutcomeUnknown bool
	// Cause is for the log. It may be nil.
	Cause error
}

// ReadFailed returns the error of a read that failed with cause: the caller may try again.
func ReadFailed(cause error) *UnavailableError {
	return &UnavailableError{Reading: true, Cause: cause}
}

// NotWritten returns the error of a write of which nothing was written.
func NotWritten(cause error) *UnavailableError { return &UnavailableError{Cause: cause} }

// BeforeWrite returns the error of a write for which err was found before it began: what is
// unavailable has not written anything, and any other error stays as it is.
func BeforeWrite(err error) error {
	if unavailable, is := errors.AsType[*UnavailableError](err); is {
		return NotWritten(unavailable.Cause)
	}
	if KindOf(err) == Unavailable {
		return NotWritten(err)
	}
	return err
}

// OutcomeUnknown returns the error of a write that may have been made.
func OutcomeUnknown(cause error) *UnavailableError {
	return &UnavailableError{OutcomeUnknown: true, Cause: cause}
}

const outcomeUnknown = "the outcome is unknown: the change may have been made; read the config before trying again"

func (e *UnavailableError) Error() string {
	switch {
	case e.OutcomeUnknown && errors.Is(e.Cause, eventstore.ErrReplaced):
		return outcomeUnknown + ". Why: " + eventstore.ErrReplaced.Error()
	case e.OutcomeUnknown && errors.Is(e.Cause, ErrTokenUnknown):
		return ErrTokenUnknown.Error()
	case e.OutcomeUnknown:
		return outcomeUnknown
	case errors.Is(e.Cause, ErrRightsTooOld) && e.Reading:
		return ErrRightsTooOld.Error()
	case errors.Is(e.Cause, ErrRightsTooOld):
		return "nothing was written: " + ErrRightsTooOld.Error()
	case errors.Is(e.Cause, ErrTooManyUnknown):
		return ErrTooManyUnknown.Error()
	case errors.Is(e.Cause, eventstore.ErrBusy):
		return "the store is busy: too many reads of the past are waiting; try again later"
	case errors.Is(e.Cause, ErrBroken):
		return ErrBroken.Error()
	case errors.Is(e.Cause, ErrClockAhead):
		return ErrClockAhead.Error()
	case errors.Is(e.Cause, eventstore.ErrReplaced):
		return eventstore.ErrReplaced.Error()
	case errors.Is(e.Cause, config.ErrPlanOutdated):
		return "nothing was written: the configs to revert are changed all the time; try again later, or select fewer"
	case e.Reading:
		return "the store is not available; try again later"
	default:
		return "nothing was written: the store is not available; try again later"
	}
}

func (e *UnavailableError) Unwrap() error { return e.Cause }

// Refusal says why a command was not carried out. It wraps the reason, an error of package config.
type Refusal struct {
	Reason error
	// Current is the state that the command was decided on, also that of a deleted config. It is
	// nil when nothing ever happened to the name, and when it is Hidden.
	Current *projection.Config
	// Hidden reports whether the caller may not read the config.
	Hidden bool
}

func (e *Refusal) Error() string { return e.Reason.Error() }

func (e *Refusal) Unwrap() error { return e.Reason }

// KindOf returns the kind of an error that the config store, or the parsing of its inputs, has
// returned. The end of a context is [Unavailable]. A [*Rejection] has the kind of its first
// failure. Any unknown error is [Internal].
func KindOf(err error) Kind {
	var invalid *config.InvalidError
	var conflict *config.VersionConflictError
	var token *auth.TokenConflictError
	var unavailable *UnavailableError
	var rejection *Rejection
	var revert *RevertConflict
	var denied *ForbiddenError
	switch {
	case errors.As(err, &rejection):
		return KindOf(rejection.Failures[0].Err)
	case errors.As(err, &denied):
		return Denied
	case errors.As(err, &unavailable), errors.Is(err, ErrNotReady), errors.Is(err, ErrRebuilding),
		errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unavailable
	case errors.Is(err, ErrNoRevision):
		return PositionUnknown
	case errors.Is(err, auth.ErrMalformed), errors.Is(err, auth.ErrNotValid), errors.Is(err, auth.ErrNoToken),
		errors.Is(err, auth.ErrRevoked), errors.Is(err, auth.ErrExpired):
		return Unauthenticated
	case errors.Is(err, auth.ErrChanged):
		return Denied
	case errors.As(err, &invalid):
		if invalid.TooLarge {
			return TooLarge
		}
		return InvalidInput
	case errors.As(err, &conflict), errors.As(err, &token), errors.Is(err, config.ErrRevisionConflict):
		return VersionConflict
	case errors.Is(err, config.ErrNotFound), errors.Is(err, auth.ErrTokenNotFound):
		return NotFound
	case errors.Is(err, config.ErrDeleted):
		return Deleted
	case errors.Is(err, config.ErrNotDeleted):
		return NotDeleted
	case errors.Is(err, ErrPositionUnknown):
		return PositionUnknown
	case errors.Is(err, ErrPositionNotReached):
		return PositionNotReached
	case errors.Is(err, ErrIdempotencyMismatch):
		return IdempotencyMismatch
	case errors.Is(err, ErrStale):
		return Stale
	case errors.As(err, &revert):
		return RevertBlocked
	case errors.Is(err, ErrErased):
		return Erased
	}
	return Internal
}

// InternalMessage is what clients see of an error of kind [Internal].
const InternalMessage = "something went wrong here; the request id leads to the details in the server's log"

// Message returns what a client may see of an error: the text of an error that clients can get, and
// a sentence in place of any other text.
func Message(err error) string {
	var unavailable *UnavailableError
	switch KindOf(err) {
	case Internal:
		return InternalMessage
	case Unavailable:
		if !errors.As(err, &unavailable) && !errors.Is(err, ErrNotReady) && !errors.Is(err, ErrRebuilding) {
			return "the request ran out of time"
		}
	}
	return err.Error()
}
