package config

import "time"

// Version counts the changes of one name from 1. 0 means that nothing has happened to the name.
type Version int

// ParseExpectedVersion checks the version that a command expects: 0, for a name without one, or
// more. The error is an [*InvalidError].
func ParseExpectedVersion(n int64) (*Version, error) {
	if n < 0 {
		return nil, &InvalidError{Field: "expectedVersion", Rule: "must not be negative"}
	}
	v := Version(n)
	return &v, nil
}

// EventType names a kind of event. The names are stored, so they never change and never change
// their meaning.
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
	Value    Value     // after a set or a restore; empty after a deletion
	OldValue Value     // the value before the event; only meaningful if HasOldValue
	At       time.Time // UTC, whole microseconds

	Erased    bool // the value after the event was there, and is no longer in the history
	OldErased bool // so was the value before the event
}

// Operation says what an event did to its config, in the words of clients.
type Operation string

// The operations.
const (
	Created  Operation = "CREATED"
	Updated  Operation = "UPDATED"
	Deleted  Operation = "DELETED"
	Restored Operation = "RESTORED"
)

// Operation returns what the event did, or "" for an event of unknown type.
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

// HasValue reports whether the config has a value after the event that the event has, too: it was
// not erased.
func (e Event) HasValue() bool { return e.Type != ValueDeleted && !e.Erased }

// HasOldValue reports whether the config had a value before the event that was not erased. It is
// false for a first value and for a restore.
func (e Event) HasOldValue() bool {
	return (e.Type == ValueDeleted || e.Type == ValueSet && e.Version > 1) && !e.OldErased
}

// ValueBefore returns the value that the config had before the event, nil when it did not exist:
// what undoing the event brings back.
func (e Event) ValueBefore() *Value {
	if !e.HasOldValue() {
		return nil
	}
	return &e.OldValue
}

// SetOld sets the value before the event to the value after another one, if the event is of a type
// that has a value before it.
func (e *Event) SetOld(before Event) {
	e.OldErased = false
	if e.HasOldValue() {
		e.OldValue, e.OldErased = before.Value, before.Erased
	}
}
