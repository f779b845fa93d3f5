package config

import "fmt"

// The bounds of a change set. A set of one change is always within those of bytes.
const (
	// MaxChanges is how many changes a change set holds at most.
	MaxChanges = 1000
	// MaxChangeSetBytes bounds the names, the reason and the new values of a change set together,
	// and by itself the values that it replaces or deletes: 4 MiB each.
	MaxChangeSetBytes = 4 << 20
)

// ChangeSet is the unit of a write: changes that take effect together or not at all. Each is
// decided on the state before the set.
type ChangeSet struct {
	// Changes are 1 to [MaxChanges], each of another name. A set with Asked may have none.
	Changes []Change
	// AsSeenAt refuses each name that has changed after that revision of the history. nil: names
	// may have changed.
	AsSeenAt *RevisionID
	// DryRun says what would happen, and changes nothing.
	DryRun         bool
	Reason         Reason
	IdempotencyKey IdempotencyKey // a dry run neither looks it up nor uses it up
	// Reverts is the last revision of the change set that this one undoes. nil: it undoes none.
	Reverts *RevisionID
	// Asked is what the client asked for when the changes were computed from that. [RequestHash]
	// covers it in place of the set. nil: the client asked for the set itself.
	Asked []byte
	// Plan is set when the changes were computed from the state of some configs. When one of these
	// has changed since, the set is refused with [ErrPlanOutdated]. nil: nothing is checked.
	Plan *Plan
	// Skipped are names that the client asked for and that the set leaves as they are. The outcome
	// has them among the unchanged ones.
	Skipped []Name
	// Invalid is what is wrong with the set as a whole, for example its reason. The set is then
	// refused, and its changes are checked all the same.
	Invalid []*InvalidError
}

// Plan says what the changes of a [ChangeSet] were computed from.
type Plan struct {
	Filter Filter // selects the configs
	Seq    int64  // of the history at that time
}

// Change is one change of a [ChangeSet].
type Change struct {
	// Command is a [Set], a [Delete] or a [Restore].
	Command Command
	// Invalid says why there is no Command. The set is then refused as a whole, and its other
	// changes are checked all the same, so that the client learns of all failures at once.
	Invalid []*InvalidError
}

// Single returns the set of one change.
func Single(cmd Command) ChangeSet { return ChangeSet{}.Of(cmd) }

// Of returns the set with these changes in place of its own.
func (s ChangeSet) Of(commands ...Command) ChangeSet {
	s.Changes = make([]Change, len(commands))
	for i, cmd := range commands {
		s.Changes[i].Command = cmd
	}
	return s
}

// Bytes returns the bytes of the names, the reason and the new values together, without the values
// that a restore brings back.
func (s *ChangeSet) Bytes() int {
	n := len(s.Reason.text)
	for i := range s.Changes {
		switch c := s.Changes[i].Command.(type) {
		case Set:
			n += len(c.Name.text) + len(c.Value.text)
		case Delete:
			n += len(c.Name.text)
		case Restore:
			n += len(c.Name.text)
			if c.Value != nil {
				n += len(c.Value.text)
			}
		}
	}
	return n
}

// CheckCount returns what is wrong with a change set of n changes because of their number alone.
// nil: nothing.
func CheckCount(n int) *InvalidError {
	switch {
	case n == 0:
		return &InvalidError{Field: "changes", Rule: "is empty; at least one change is needed"}
	case n > MaxChanges:
		return &InvalidError{Field: "changes", Rule: fmt.Sprintf("are %d; at most %d are allowed", n, MaxChanges), TooLarge: true}
	}
	return nil
}
