package configstore

import (
	"context"
	"errors"

	"configapi/internal/auth"
	"configapi/internal/config"
	"configapi/internal/eventstore"
)

var errNotBuilt = errors.New("not built")

// SetOutcome is what a change set came to.
type SetOutcome struct {
	// Revisions are the changes, in the order of the set. After a dry run they are what the changes
	// would be: Seq, Hash and ChangeSet are those of Position, At is the time of the decision.
	Revisions []*eventstore.Revision
	// Unchanged are the names that were as asked for already.
	Unchanged []config.Name
	// Position is that of the outcome: of the last revision, or the one that the set was decided
	// at when nothing was written.
	Position eventstore.Position
	// DryRun reports whether nothing was written because the caller asked for a dry run.
	DryRun bool
}

// Apply carries out a change set: all of its changes, or none. It returns when the outcome is on
// disk and can be read.
//
// The errors: a [*fault.Rejection] with all failures, or a [*fault.UnavailableError], which says
// whether something may have been written. The end of ctx ends the waiting, not the write.
func (s *Store) Apply(ctx context.Context, caller auth.Caller, set config.ChangeSet) (SetOutcome, error) {
	return SetOutcome{}, errNotBuilt
}
