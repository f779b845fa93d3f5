package configstore_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"time"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/fault"
	"configapi/internal/projection"
)

// model is what the service promises, in the plainest way: a list of events that is searched from
// its beginning for every question.
type model struct {
	events []modelEvent
}

// modelEvent is one event. Its seq is its index in the list, from 1.
type modelEvent struct {
	name, value, old string
	version          int
	operation        config.Operation
	at               time.Time
	set              int // position of the last event of the change set
}

// modelState is a config after one of its events.
type modelState struct {
	modelEvent
	position int
	created  time.Time
}

// asOf returns the newest event of each name at a position.
func (m *model) asOf(position int) map[string]modelState {
	states := make(map[string]modelState)
	for i, e := range m.events[:position] {
		created := e.at
		if before, known := states[e.name]; known {
			created = before.created
		}
		states[e.name] = modelState{e, i + 1, created}
	}
	return states
}

// existing returns the states of the configs that existed at a position, by name.
func (m *model) existing(position int) (found []modelState) {
	for _, s := range m.asOf(position) {
		if s.operation != config.Deleted {
			found = append(found, s)
		}
	}
	slices.SortFunc(found, func(a, b modelState) int { return cmp.Compare(a.name, b.name) })
	return found
}

// asOfTime returns the position of an instant: the end of the newest change set that was complete
// by then.
func (m *model) asOfTime(instant time.Time) (position int) {
	for i, e := range m.events {
		if e.set == i+1 && !e.at.After(instant) {
			position = i + 1
		}
	}
	return position
}

// endOf returns the end of the change set that a position is in.
func (m *model) endOf(position int) int {
	if position == 0 {
		return 0
	}
	return m.events[position-1].set
}

// startAfter returns the position after which a stream continues that has come to a position.
// Inside a change set it is before the set.
func (m *model) startAfter(position int) int {
	for start := position; start > 0; start-- {
		if end := m.endOf(start); end == start || end < m.endOf(position) {
			return start
		}
	}
	return 0
}

// decide returns the event that follows from a command, nil when none does, or the kind of the
// refusal.
func (m *model) decide(cmd config.Command, at time.Time) (*modelEvent, fault.Kind) {
	now, known := m.asOf(len(m.events))[cmd.Target().String()]
	e := &modelEvent{name: cmd.Target().String(), version: now.version + 1, old: now.value, at: at, set: len(m.events) + 1}
	deleted := known && now.operation == config.Deleted
	if deleted {
		e.old = now.old
	}
	var expected *config.Version
	switch c := cmd.(type) {
	case config.Set:
		expected, e.value, e.operation = c.ExpectedVersion, c.Value.String(), config.Updated
		if !known {
			e.operation = config.Created
		}
		if deleted {
			return nil, fault.Deleted
		}
	case config.Delete:
		expected, e.operation = c.ExpectedVersion, config.Deleted
		switch {
		case !known:
			return nil, fault.NotFound
		case deleted:
			return nil, fault.Deleted
		}
	case config.Restore:
		expected, e.operation, e.value, e.old = c.ExpectedVersion, config.Restored, e.old, ""
		if c.Value != nil {
			e.value = c.Value.String()
		}
		switch {
		case !known:
			return nil, fault.NotFound
		case !deleted:
			return nil, fault.NotDeleted
		}
	}
	if expected != nil && int(*expected) != now.version {
		return nil, fault.VersionConflict
	}
	if c, ok := cmd.(config.Set); ok && c.OnlyIfChanged && known && now.value == e.value {
		return nil, fault.Internal
	}
	return e, fault.Internal
}

// next returns the time of the next event of a writer whose clock shows now.
func (m *model) next(now time.Time) time.Time {
	if n := len(m.events); n > 0 && !now.After(m.events[n-1].at) {
		return m.events[n-1].at.Add(time.Microsecond)
	}
	return now
}

// matches reports whether a state of the store equals the model's.
func (s modelState) matches(c *projection.Config) bool {
	return s.isNewest(c) && c.CreatedAt().Equal(s.created)
}

// isNewest reports whether a state of the store is right after the model's event.
func (s modelState) isNewest(c *projection.Config) bool {
	e := c.Event()
	return e.Name.String() == s.name && e.Value.String() == s.value && int(e.Version) == s.version &&
		e.Operation() == s.operation && e.At.Equal(s.at) && int(c.Seq) == s.position && int(c.ChangeSet().Seq) == s.set
}

func (s modelState) isRevision(r *eventstore.Revision) bool {
	return r.Name.String() == s.name && r.Value.String() == s.value && (!r.HasOldValue() || r.OldValue.String() == s.old) &&
		int(r.Version) == s.version && r.Operation() == s.operation && r.At.Equal(s.at) && int(r.Seq) == s.position &&
		int(r.ChangeSet.Seq) == s.set && r.ChangeSetKnown()
}

// fataler is a test or a check of a property.
type fataler interface{ Fatal(args ...any) }

// appendSet appends one change set of several configs, as a later version of the program may.
func (m *model) appendSet(t fataler, events eventstore.Store, names []string, now time.Time) {
	expected, err := events.Head(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	set := len(m.events) + len(names)
	records := make([]eventstore.Record, len(names))
	for i, text := range names {
		before := m.asOf(len(m.events))[text]
		name, err := config.ParseName(text)
		if err != nil {
			t.Fatal(err)
		}
		event := config.Event{
			Type: config.ValueSet, Name: name, Version: config.Version(before.version + 1), At: m.next(now),
		}
		if event.Value, err = config.ParseValue("set", 10); err == nil {
			event.OldValue, err = config.ParseValue(before.value, 10)
		}
		if err != nil {
			t.Fatal(err)
		}
		m.events = append(m.events, modelEvent{text, "set", before.value, before.version + 1, event.Operation(), event.At, set})
		stored := config.Encode(event)
		records[i] = eventstore.Record{
			Name: text, Version: int(event.Version), Type: stored.Type, SchemaVersion: stored.SchemaVersion, Data: stored.Data,
			RecordedAt: event.At, ChangeSet: eventstore.Seq(set),
		}
	}
	var id eventstore.AppendID
	_, _ = rand.Read(id[:])
	new(eventstore.Chain).Seal(expected, id, records)
	if err := events.Append(context.Background(), expected, records); err != nil {
		t.Fatal(err)
	}
}

// notDeleted returns the names of configs that are not deleted.
func (m *model) notDeleted(names []string) []string {
	states := m.asOf(len(m.events))
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return states[name].operation == config.Deleted })
}

func sortedNames(states map[string]modelState) []string { return slices.Sorted(maps.Keys(states)) }
