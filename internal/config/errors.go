package config

import (
	"errors"
	"fmt"
)

// Reasons for refusing a command, besides [*InvalidError] and [*VersionConflictError].
var (
	// ErrNotFound: there is no config of that name and there never was.
	ErrNotFound = errors.New("there is no config of this name")
	// ErrDeleted: the config is deleted, and a deleted config takes no value and no second deletion.
	ErrDeleted = errors.New("the config is deleted; restore it first")
	// ErrNotDeleted: what is to be restored is not deleted.
	ErrNotDeleted = errors.New("the config is not deleted, so there is nothing to restore")
	// ErrRevisionConflict: a [Condition] of the command does not hold. The config has changed, or
	// what was expected is of another history.
	ErrRevisionConflict = errors.New("the config's newest revision is not the expected one; read it and try again")
)

// InvalidError says that an input breaks a rule.
type InvalidError struct {
	Field    string // what is wrong: name, value, reason, prefix, names, names[3], …
	Rule     string // how, as the rest of a sentence: "has 256 bytes; at most 255 are allowed"
	TooLarge bool   // the rule is a limit on size that a transport may have a status of its own for
}

func (e *InvalidError) Error() string { return e.Field + " " + e.Rule }

// VersionConflictError says that a config has another version than the one that a command expected.
type VersionConflictError struct {
	Expected Version
	Actual   Version // 0: the name has no version yet
}

func (e *VersionConflictError) Error() string {
	return fmt.Sprintf("version %d was expected, but the config has version %d", e.Expected, e.Actual)
}
