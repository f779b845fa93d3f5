package config

import (
	"fmt"
	"time"
)

// Aggregate is the state of one config after its newest event. An Aggregate with only a Name is a
// config that nothing has happened to.
type Aggregate struct {
	Name    Name
	Value   Value   // while Deleted: the last value, which a restore brings back
	Version Version // 0: nothing has happened to the name
	Deleted bool
	// Newest is the revision that made this state, for [Condition]; zero: unknown, or there is
	// none.
	Newest RevisionID
}

// Exists reports whether the config has a value now.
func (a Aggregate) Exists() bool { return a.Version > 0 && !a.Deleted }

// Decide checks a command for this config and returns the event that follows from it, with At as
// the event's time. ok is false when no event follows because the config already is as asked for
// ([Set.OnlyIfChanged]).
//
// A refused command yields no event. The errors, in the order in which they are checked:
// [ErrNotFound], [ErrDeleted], [ErrNotDeleted], [*VersionConflictError], [ErrRevisionConflict].
func (a Aggregate) Decide(cmd Command, at time.Time) (event Event, ok bool, err error) {
	if cmd.Target() != a.Name {
		return Event{}, false, fmt.Errorf("deciding: a command for config %q came to config %q", cmd.Target(), a.Name)
	}
	event = Event{Name: a.Name, Version: a.Version + 1, At: at}
	switch c := cmd.(type) {
	case Set:
		event.Type, event.Value, event.OldValue = ValueSet, c.Value, a.Value
		switch {
		case a.Deleted && c.RestoreDeleted:
			event.Type, event.OldValue = ValueRestored, Value{}
		case a.Deleted:
			err = ErrDeleted
		}
	case Delete:
		event.Type, event.OldValue = ValueDeleted, a.Value
		err = a.mustExist()
	case Restore:
		event.Type, event.Value = ValueRestored, a.Value
		if c.Value != nil {
			event.Value = *c.Value
		}
		err = a.mustBeDeleted()
	default:
		err = fmt.Errorf("deciding: unknown command %T", cmd)
	}
	if err != nil {
		return Event{}, false, err
	}
	if want := cmd.expected(); want != nil && *want != a.Version {
		return Event{}, false, &VersionConflictError{Expected: *want, Actual: a.Version}
	}
	for _, condition := range cmd.conditions() {
		if !condition.holds(a) {
			return Event{}, false, ErrRevisionConflict
		}
	}
	if set, is := cmd.(Set); is && set.OnlyIfChanged && a.Exists() && set.Value == a.Value {
		return Event{}, false, nil
	}
	return event, true, nil
}

// Apply returns the state after the event. Newest is zero in it, because an event does not say
// where it is in the history. An event of another name, of an unknown type, or that does not follow
// the present state is an error: such a history is broken, and guessing would hide that.
func (a Aggregate) Apply(e Event) (Aggregate, error) {
	if e.Name != a.Name || e.Version != a.Version+1 {
		return a, fmt.Errorf("applying version %d of config %q to version %d of config %q", e.Version, e.Name, a.Version, a.Name)
	}
	var fits bool
	switch e.Type {
	case ValueSet:
		fits = !a.Deleted
	case ValueDeleted:
		fits = a.Exists()
	case ValueRestored:
		fits = a.Deleted
	}
	if !fits {
		return a, fmt.Errorf("applying %q to config %q: it cannot follow version %d (deleted: %t)", e.Type, e.Name, a.Version, a.Deleted)
	}
	a.Version, a.Deleted, a.Newest = e.Version, e.Type == ValueDeleted, RevisionID{}
	if e.Type != ValueDeleted {
		a.Value = e.Value
	}
	return a, nil
}

func (a Aggregate) mustExist() error {
	switch {
	case a.Version == 0:
		return ErrNotFound
	case a.Deleted:
		return ErrDeleted
	}
	return nil
}

func (a Aggregate) mustBeDeleted() error {
	switch {
	case a.Version == 0:
		return ErrNotFound
	case !a.Deleted:
		return ErrNotDeleted
	}
	return nil
}
