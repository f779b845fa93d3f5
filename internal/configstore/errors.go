package configstore

import (
	"context"
	"errors"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// Kind is what an error of the config store means to whoever asked. Each edge has one table from kinds to its own statuses.
type Kind int

// The kinds. What has no other kind is Internal: its text is for the log, not for clients.
const (
	Internal            Kind = iota
	InvalidInput             // an input breaks a rule
	TooLarge                 // an input is larger than the limit
	NotFound                 // there is no config of that name and there never was
	Deleted                  // the config is deleted
	NotDeleted               // what is to be restored is not deleted
	VersionConflict          // the config has another version or another newest revision than the one expected
	PositionUnknown          // the history never handed out that position
	PositionNotReached       // the position was not applied in time
	IdempotencyMismatch      // the idempotency key came with another command
	Unavailable              // the store is away, the node is not ready, or the caller's own time is over; try again later
)

var (
	// ErrPositionUnknown: a position that this history never handed out: of another store, or from before a restore.
	ErrPositionUnknown = errors.New("this history never handed out that position")
	// ErrPositionNotReached: a position beyond the head that was not applied within the time to wait for it.
	ErrPositionNotReached = errors.New("the position was not reached in time; try again later")
	// ErrIdempotencyMismatch: the same caller has given the idempotency key with another command. Nothing was written.
	ErrIdempotencyMismatch = errors.New("the idempotency key was used for another request; take a new one")
	// ErrNotReady: this node has not yet applied the history that it found when it started.
	ErrNotReady = errors.New("the server is starting: it has not read its history yet")
	// ErrRebuilding: the history turned out not to be the one that this node had applied, and is being read anew.
	ErrRebuilding = errors.New("the server reads its history anew: it is not the one that it had applied; try again later")
)

// UnavailableError says that a read or a write was not done, or that the outcome of a write is not known, because the store is away.
type UnavailableError struct {
	// Reading tells that nothing was to be written.
	Reading bool
	// OutcomeUnknown tells that the change may have been made, or may still be: read before trying again. When it is false,
	// nothing was written.
	OutcomeUnknown bool
	// Cause is for the log; it may be nil.
	Cause error
}

const outcomeUnknown = "the outcome is unknown: the change may have been made; read the config before trying again"

func (e *UnavailableError) Error() string {
	switch {
	case e.OutcomeUnknown && errors.Is(e.Cause, eventstore.ErrReplaced):
		return outcomeUnknown + ". Why: " + eventstore.ErrReplaced.Error()
	case e.OutcomeUnknown:
		return outcomeUnknown
	case errors.Is(e.Cause, eventstore.ErrBusy):
		return "the store is busy: too many reads of the past are waiting; try again later"
	case errors.Is(e.Cause, ErrClockAhead):
		return ErrClockAhead.Error()
	case errors.Is(e.Cause, eventstore.ErrReplaced):
		return eventstore.ErrReplaced.Error()
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
	// Current is the state that the command was judged on, that of a deleted config too; nil when
	// the name has none.
	Current *projection.Config
}

func (e *Refusal) Error() string { return e.Reason.Error() }

func (e *Refusal) Unwrap() error { return e.Reason }

// KindOf classifies any error that the config store, or the parsing of its inputs, has returned.
func KindOf(err error) Kind {
	var invalid *config.InvalidError
	var conflict *config.VersionConflictError
	var unavailable *UnavailableError
	switch {
	case errors.As(err, &unavailable), errors.Is(err, ErrNotReady), errors.Is(err, ErrRebuilding), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unavailable
	case errors.As(err, &invalid):
		if invalid.TooLarge {
			return TooLarge
		}
		return InvalidInput
	case errors.As(err, &conflict), errors.Is(err, config.ErrRevisionConflict):
		return VersionConflict
	case errors.Is(err, config.ErrNotFound):
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
	}
	return Internal
}

// storeAway wraps an error of the event store on the way of a read: whoever reads may try again.
func storeAway(err error) error { return &UnavailableError{Reading: true, Cause: err} }
