package configstore

import (
	"context"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

// Revert asks for configs to be brought back to the values of a moment, as new changes.
type Revert struct {
	To             PointInTime
	Filter         config.Filter
	AsSeenAt       *eventstore.Position // as in [config.ChangeSet], for every name that the filter selects
	DryRun         bool
	Reason         config.Reason
	IdempotencyKey config.IdempotencyKey
}

// Revert carries out a [Revert]. Outcome and errors are as those of [Store.Apply]. When more
// configs differ than one set can hold, nothing is written and the failure says how many do.
func (s *Store) Revert(ctx context.Context, caller auth.Caller, revert Revert) (SetOutcome, error) {
	return SetOutcome{}, errNotBuilt
}

// OnConflict says what to do about a config that has changed again since the change set that is to
// be undone.
type OnConflict int

// The ways to treat such a config.
const (
	FailOnConflict     OnConflict = iota // refuse the whole revert
	SkipConflicts                        // leave those configs as they are
	OverwriteConflicts                   // undo all the same
)

// RevertSet asks to undo one change set, and to keep all later ones.
type RevertSet struct {
	ChangeSet      eventstore.Position // of any of its revisions
	OnConflict     OnConflict
	DryRun         bool
	Reason         config.Reason
	IdempotencyKey config.IdempotencyKey
}

// RevertChangeSet carries out a [RevertSet]. Outcome and errors are as those of [Store.Apply]; a
// failure can also be a [*fault.RevertConflict].
func (s *Store) RevertChangeSet(ctx context.Context, caller auth.Caller, revert RevertSet) (SetOutcome, error) {
	return SetOutcome{}, errNotBuilt
}
