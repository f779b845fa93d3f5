package config

import "time"

// Version counts the changes of one name from 1. 0 is the version of a name that nothing has happened to.
type Version int

// ParseExpectedVersion judges the version that a command expects: 0, for a name without one, or more. The error is an
// [*InvalidError].
func ParseExpectedVersion(n int64) (*Version, error) {
	if n < 0 {
		return nil, &InvalidError{Field: "expectedVersion", Rule: "must not be negative"}
	}
	v := Version(n)
	return &v, nil
}

// EventType names a kind of event. The names are stored for ever and never change their meaning.
type EventType string

// The events that can happen to a config.
const (
	ValueSet      EventType = "ConfigValueSet"
	ValueDeleted  EventType = "ConfigValueDeleted"
	ValueRestored EventType = "ConfigValueRestored"
)

// Event is one fact about one config. It never changes once it is made.
type Event struct {
	Type     EventType
	Name     Name
	Version  Version   // of the config, after the event
	Value    Value     // the value after a set or a restore; the empty one after a deletion
	OldValue Value     // the value before; only meaningful when HasOldValue
	At       time.Time // UTC, whole microseconds
}

// Operation is what an event did to its config, as a reader would put it.
type Operation string

// The operations.
const (
	Created  Operation = "CREATED"
	Updated  Operation = "UPDATED"
	Deleted  Operation = "DELETED"
	Restored Operation = "RESTORED"
)

// Operation tells what the event did. It is the zero Operation for an event of unknown type.
func (e Event) Operation() Operation {
	switch {
	case e.Type == ValueDeleted:
		return Deleted
	case e.Type == ValueRestored:
		return Restored
	case e.Type == ValueSet && e.Version == 1:
		return Created
	case e.Type == ValueSet:
		return Updated
	}
	return ""
}

// HasValue tells whether the config had a value after the event.
func (e Event) HasValue() bool { return e.Type != ValueDeleted }

// HasOldValue tells whether the config had a value before the event: always, but for its first value and for a restore.
func (e Event) HasOldValue() bool {
	return e.Type == ValueDeleted || e.Type == ValueSet && e.Version > 1
}
