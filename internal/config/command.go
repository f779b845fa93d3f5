package config

// Command is a wish to change one config: a [Set], a [Delete] or a [Restore].
type Command interface {
	// Target is the name of the config that is to change.
	Target() Name
	// Why is the reason that goes into the history with the change.
	Why() Reason
	// Key is the idempotency key: the same command with the same key is carried out once.
	Key() IdempotencyKey
	// expected is the version that the config must have, nil when any will do.
	expected() *Version
	// conditions must all hold, too.
	conditions() []Condition
}

// Set gives a config a value, and creates it when there was none.
type Set struct {
	Name            Name
	Value           Value
	ExpectedVersion *Version    // nil: not checked; 0: the name must have no version yet
	Conditions      []Condition // all must hold; none: not checked
	OnlyIfChanged   bool        // no event when the config has this value already
	RestoreDeleted  bool        // a deleted config comes back with the value, instead of being refused
	Reason          Reason
	IdempotencyKey  IdempotencyKey
}

// Delete takes a config's value away. Its history and its version stay.
type Delete struct {
	Name            Name
	ExpectedVersion *Version    // nil: not checked
	Conditions      []Condition // all must hold; none: not checked
	Reason          Reason
	IdempotencyKey  IdempotencyKey
}

// Restore brings a deleted config back.
type Restore struct {
	Name            Name
	Value           *Value      // nil: the value that it had last
	ExpectedVersion *Version    // nil: not checked
	Conditions      []Condition // all must hold; none: not checked
	Reason          Reason
	IdempotencyKey  IdempotencyKey
}

// Target is the name of the config that gets a value.
func (c Set) Target() Name { return c.Name }

// Target is the name of the config that is to be deleted.
func (c Delete) Target() Name { return c.Name }

// Target is the name of the config that is to come back.
func (c Restore) Target() Name { return c.Name }

// Why is the reason given for the set.
func (c Set) Why() Reason { return c.Reason }

// Why is the reason given for the deletion.
func (c Delete) Why() Reason { return c.Reason }

// Why is the reason given for the restore.
func (c Restore) Why() Reason { return c.Reason }

// Key is the key given with the set.
func (c Set) Key() IdempotencyKey { return c.IdempotencyKey }

// Key is the key given with the deletion.
func (c Delete) Key() IdempotencyKey { return c.IdempotencyKey }

// Key is the key given with the restore.
func (c Restore) Key() IdempotencyKey { return c.IdempotencyKey }

func (c Set) expected() *Version     { return c.ExpectedVersion }
func (c Delete) expected() *Version  { return c.ExpectedVersion }
func (c Restore) expected() *Version { return c.ExpectedVersion }

func (c Set) conditions() []Condition     { return c.Conditions }
func (c Delete) conditions() []Condition  { return c.Conditions }
func (c Restore) conditions() []Condition { return c.Conditions }
