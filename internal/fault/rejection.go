package fault

import (
	"errors"
	"fmt"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/projection"
)

// ErrStale is the reason of a [Refusal]: the config has changed after the position at which the
// caller has seen it.
var ErrStale = errors.New("the config has changed after the position asSeenAt; look at it and try again")

// ErrErased is the reason of a [Refusal]: a value that is needed was erased.
var ErrErased = errors.New("the value that is needed was erased for good")

// ErrNoRevision says that an expected revision does not look like a position at all. Its kind is
// [PositionUnknown].
var ErrNoRevision = &config.InvalidError{Field: "expectedRevision",
	Rule: "must be the position of a revision, such as 1842-9f3a21c0, as this server gave it"}

// Rejection says why a change set was not carried out: every failure, not only the first. Nothing
// was written.
type Rejection struct {
	Failures []Failure // at least one
	// Position is the one that the set was decided at.
	Position eventstore.Position
}

// Failure is one reason to reject a change set.
type Failure struct {
	// Change is the index of the change; -1: the failure is about the set as a whole, or about a
	// change that the caller did not name.
	Change int
	// Field is the part of the change, or of the set, that is wrong: name, value, expectedVersion,
	// expectedRevision; changes, asSeenAt, to, changeSet, idempotencyKey, reason, filter. "": none.
	Field string
	// Err is a [*ForbiddenError], a [*Refusal], a [*RevertConflict], a [*config.InvalidError],
	// [ErrPositionUnknown] or [ErrIdempotencyMismatch].
	Err error
}

// Unnamed returns the failure of a name or a prefix that none of the caller's changes names, and on
// which the caller may not do something. on is "" when the caller may not learn the name.
func Unnamed(action auth.Action, on string) Failure {
	return Failure{Change: -1, Err: &ForbiddenError{Action: action, On: on}}
}

func (e *Rejection) Error() string {
	first := e.Failures[0].Err
	if n := len(e.Failures); n > 1 {
		return fmt.Sprintf("nothing was written: %v (the first of %d failures)", first, n)
	}
	return fmt.Sprintf("nothing was written: %v", first)
}

// RevertConflict says that a config has changed again since the change that is to be undone.
type RevertConflict struct {
	Name    config.Name
	Change  *eventstore.Revision // that is to be undone
	Current *projection.Config   // the newest state
}

func (e *RevertConflict) Error() string {
	return fmt.Sprintf("%s has changed again since that change set; choose SKIP to leave it as it is, or OVERWRITE to undo all the same", e.Name)
}

// ForbiddenError says that the caller may not do something, whatever there is. Nothing of the state
// was looked at, and nothing was written.
type ForbiddenError struct {
	// Action is what the caller would have to be granted.
	Action auth.Action
	// On is the name or the prefix on which it would have to be granted, as far as the caller knows
	// of it. "": the text does not say.
	On string
}

func (e *ForbiddenError) Error() string {
	if e.On == "" {
		return fmt.Sprintf("%s is not granted on what the request is about; use a token that grants it", e.Action)
	}
	return fmt.Sprintf("%s on %s is not granted; use a token that grants it", e.Action, e.On)
}
