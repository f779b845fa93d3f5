package config

// Command asks for a change of one config: a [Set], a [Delete] or a [Restore].
type Command interface {
	// Target is the name of the config to change.
	Target() Name
	// Why is the reason that the history keeps with the change.
	Why() Reason
	// Key is the idempotency key: the same command with the same key has one effect.
	Key() IdempotencyKey
	// expected is the version that the config must have; nil means any.
	expected() *Version
	// conditions must all hold, besides the expected version.
	conditions() []Condition
}

// Set gives a config a value, and creates it when there was none.
type Set struct {
	Name            Name
	Value           Value
	ExpectedVersion *Version    // nil: any; 0: the name must have no version yet
	Conditions      []Condition // all must hold
	OnlyIfChanged   bool        // no event when the config has this value already
	RestoreDeleted  bool        // bring a deleted config back with the value instead of refusing
	Reason          Reason
	IdempotencyKey  IdempotencyKey
}

// Delete removes a config's value. Its history and its version stay.
type Delete struct {
	Name            Name
	ExpectedVersion *Version    // nil: any
	Conditions      []Condition // all must hold
	Reason          Reason
	IdempotencyKey  IdempotencyKey
}

// Restore brings a deleted config back.
type Restore struct {
	Name            Name
	Value           *Value      // nil: the last value before the deletion
	ExpectedVersion *Version    // nil: any
	Conditions      []Condition // all must hold
	Reason          Reason
	IdempotencyKey  IdempotencyKey
}

// Target is the name of the config that gets a value.
func (c Set) Target() Name { return c.Name }

// Target is the name of the config to delete.
func (c Delete) Target() Name { return c.Name }

// Target is the name of the config to restore.
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
