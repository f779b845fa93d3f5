package config

// Command asks for a change of one config: a [Set], a [Delete] or a [Restore]. A [ChangeSet] has
// the reason and the idempotency key.
type Command interface {
	// Target is the name of the config to change.
	Target() Name
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
}

// Delete removes a config's value. Its history and its version stay.
type Delete struct {
	Name            Name
	ExpectedVersion *Version    // nil: any
	Conditions      []Condition // all must hold
}

// Restore brings a deleted config back.
type Restore struct {
	Name            Name
	Value           *Value      // nil: the last value before the deletion
	ExpectedVersion *Version    // nil: any
	Conditions      []Condition // all must hold
}

// Target is the name of the config that gets a value.
func (c Set) Target() Name { return c.Name }

// Target is the name of the config to delete.
func (c Delete) Target() Name { return c.Name }

// Target is the name of the config to restore.
func (c Restore) Target() Name { return c.Name }

func (c Set) expected() *Version     { return c.ExpectedVersion }
func (c Delete) expected() *Version  { return c.ExpectedVersion }
func (c Restore) expected() *Version { return c.ExpectedVersion }

func (c Set) conditions() []Condition     { return c.Conditions }
func (c Delete) conditions() []Condition  { return c.Conditions }
func (c Restore) conditions() []Condition { return c.Conditions }
