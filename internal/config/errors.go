package config

import (
	"errors"
	"fmt"
)

// Reasons to refuse a command, besides [*InvalidError] and [*VersionConflictError].
var (
	// ErrNotFound means that no config of that name exists or ever existed.
	ErrNotFound = errors.New("there is no config of this name")
	// ErrDeleted means that the config is deleted: it takes neither a value nor another deletion.
	ErrDeleted = errors.New("the config is deleted; restore it first")
	// ErrNotDeleted means that the config to restore is not deleted.
	ErrNotDeleted = errors.New("the config is not deleted, so there is nothing to restore")
	// ErrRevisionConflict means that a [Condition] of the command does not hold: the config has
	// changed, or the expected revision is of another history.
	ErrRevisionConflict = errors.New("the config's newest revision is not the expected one; read it and try again")
	// ErrPlanOutdated means that configs have changed since the changes of a set were computed from
	// them. They are to be computed again.
	ErrPlanOutdated = errors.New("configs have changed since the changes were computed from them; try again")
)

// InvalidError says that an input breaks a rule.
type InvalidError struct {
	Field string // the invalid input: name, value, reason, prefix, names, names[3], …
	// Rule is what is wrong, as the rest of a sentence: "has 256 bytes; at most 255 are allowed".
	Rule string
	// TooLarge says that the rule is a limit of size, for which a transport may have a status of
	// its own.
	TooLarge bool
}

func (e *InvalidError) Error() string { return e.Field + " " + e.Rule }

// VersionConflictError says that a config does not have the version that a command expects.
type VersionConflictError struct {
	Expected Version
	Actual   Version // 0: the name has no version yet, or it is Hidden
	Hidden   bool    // the caller may not know the actual version
}

func (e *VersionConflictError) Error() string {
	if e.Hidden {
		return fmt.Sprintf("version %d was expected, but the config has another one", e.Expected)
	}
	return fmt.Sprintf("version %d was expected, but the config has version %d", e.Expected, e.Actual)
}
