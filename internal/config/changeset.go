package config

// The bounds of a change set. A set of one change is always within them.
const (
	// MaxChanges is how many changes a change set holds at most.
	MaxChanges = 1000
	// MaxChangeSetBytes bounds the names, the reason and the new values of a change set together,
	// and by itself the values that it replaces or deletes: 4 MiB each.
	MaxChangeSetBytes = 4 << 20
)

// ChangeSet is the unit of a write: changes that take effect together or not at all.
type ChangeSet struct {
	// Changes are 1 to [MaxChanges], each of another name.
	Changes []Change
	// AsSeenAt refuses each name that has changed after that revision of the history. nil: names
	// may have changed.
	AsSeenAt *RevisionID
	// DryRun says what would happen, and changes nothing.
	DryRun         bool
	Reason         Reason
	IdempotencyKey IdempotencyKey // a dry run neither looks it up nor uses it up
}

// Change is one change of a [ChangeSet].
type Change struct {
	// Command has no reason and no idempotency key of its own: the set has them.
	Command Command
	// Invalid says why there is no Command. The set is then refused as a whole, and its other
	// changes are checked all the same, so that the client learns of all failures at once.
	Invalid *InvalidError
}
