package config_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"configapi/internal/config"
)

// The three states that a config can be in, as the events that lead there.
var (
	nothing  []config.Event
	existing = []config.Event{
		{Type: config.ValueSet, Name: name("a"), Version: 1, Value: value("first"), At: noon},
		{Type: config.ValueSet, Name: name("a"), Version: 2, Value: value("last"), OldValue: value("first"), At: noon},
	}
	deleted = append(existing[:2:2],
		config.Event{Type: config.ValueDeleted, Name: name("a"), Version: 3, OldValue: value("last"), At: noon},
	)
)

// outcome is what a command leads to.
type outcome string

const (
	done       outcome = "done" // one event follows
	unchanged  outcome = "unchanged"
	missing    outcome = "missing"
	isDeleted  outcome = "deleted"
	notDeleted outcome = "not deleted"
	conflict   outcome = "conflict"
)

// TestDecide is the table of all outcomes: every command, in every state, with every kind of
// expected version.
func TestDecide(t *testing.T) {
	// by expected version: nil, 0, the config's version, one that it never had
	type expected [4]outcome
	set := func(v string) config.Set { return config.Set{Name: name("a"), Value: value(v)} }
	setIfChanged := func(v string) config.Set {
		return config.Set{Name: name("a"), Value: value(v), OnlyIfChanged: true}
	}
	setOrRestore := func(v string) config.Set {
		return config.Set{Name: name("a"), Value: value(v), RestoreDeleted: true, OnlyIfChanged: true}
	}
	restoreWith := func(v string) config.Restore {
		with := value(v)
		return config.Restore{Name: name("a"), Value: &with}
	}
	remove, restore := config.Delete{Name: name("a")}, config.Restore{Name: name("a")}

	for _, test := range []struct {
		given []config.Event
		when  config.Command
		then  expected
		event config.Event // the event when the outcome is done
	}{
		{nothing, set("x"), expected{done, done, done, conflict}, setEvent(1, "x", "")},
		{nothing, set(""), expected{done, done, done, conflict}, setEvent(1, "", "")},
		{nothing, setIfChanged("x"), expected{done, done, done, conflict}, setEvent(1, "x", "")},
		{nothing, setIfChanged(""), expected{done, done, done, conflict}, setEvent(1, "", "")},
		{nothing, setOrRestore("x"), expected{done, done, done, conflict}, setEvent(1, "x", "")},
		{nothing, remove, expected{missing, missing, missing, missing}, config.Event{}},
		{nothing, restore, expected{missing, missing, missing, missing}, config.Event{}},
		{nothing, restoreWith("x"), expected{missing, missing, missing, missing}, config.Event{}},

		{existing, set("x"), expected{done, conflict, done, conflict}, setEvent(3, "x", "last")},
		{existing, set("last"), expected{done, conflict, done, conflict}, setEvent(3, "last", "last")},
		{existing, setIfChanged("x"), expected{done, conflict, done, conflict}, setEvent(3, "x", "last")},
		{existing, setIfChanged("first"), expected{done, conflict, done, conflict}, setEvent(3, "first", "last")},
		{existing, setIfChanged("last"), expected{unchanged, conflict, unchanged, conflict}, config.Event{}},
		{existing, setOrRestore("x"), expected{done, conflict, done, conflict}, setEvent(3, "x", "last")},
		{existing, setOrRestore("last"), expected{unchanged, conflict, unchanged, conflict}, config.Event{}},
		{existing, remove, expected{done, conflict, done, conflict}, deleteEvent(3, "last")},
		{existing, restore, expected{notDeleted, notDeleted, notDeleted, notDeleted}, config.Event{}},
		{existing, restoreWith("x"), expected{notDeleted, notDeleted, notDeleted, notDeleted}, config.Event{}},

		{deleted, set("x"), expected{isDeleted, isDeleted, isDeleted, isDeleted}, config.Event{}},
		{deleted, set("last"), expected{isDeleted, isDeleted, isDeleted, isDeleted}, config.Event{}},
		{deleted, setIfChanged("last"), expected{isDeleted, isDeleted, isDeleted, isDeleted}, config.Event{}},
		{deleted, setOrRestore("x"), expected{done, conflict, done, conflict}, restoreEvent(4, "x")},
		{deleted, setOrRestore("last"), expected{done, conflict, done, conflict}, restoreEvent(4, "last")},
		{deleted, remove, expected{isDeleted, isDeleted, isDeleted, isDeleted}, config.Event{}},
		{deleted, restore, expected{done, conflict, done, conflict}, restoreEvent(4, "last")},
		{deleted, restoreWith("x"), expected{done, conflict, done, conflict}, restoreEvent(4, "x")},
		{deleted, restoreWith(""), expected{done, conflict, done, conflict}, restoreEvent(4, "")},
	} {
		version := config.Version(len(test.given))
		never := version + 7
		for i, want := range []*config.Version{nil, new(config.Version(0)), &version, &never} {
			given(t, test.given...).when(expecting(test.when, want)).then(test.then[i], test.event)
		}
	}
}

func setEvent(version config.Version, v, old string) config.Event {
	return config.Event{Type: config.ValueSet, Name: name("a"), Version: version, Value: value(v), OldValue: value(old), At: noon}
}

func deleteEvent(version config.Version, old string) config.Event {
	return config.Event{Type: config.ValueDeleted, Name: name("a"), Version: version, OldValue: value(old), At: noon}
}

func restoreEvent(version config.Version, v string) config.Event {
	return config.Event{Type: config.ValueRestored, Name: name("a"), Version: version, Value: value(v), At: noon}
}

// expecting returns the command with an expected version.
func expecting(cmd config.Command, want *config.Version) config.Command {
	switch c := cmd.(type) {
	case config.Set:
		c.ExpectedVersion = want
		return c
	case config.Delete:
		c.ExpectedVersion = want
		return c
	case config.Restore:
		c.ExpectedVersion = want
		return c
	}
	panic(fmt.Sprintf("command %T", cmd))
}

// scenario reads as a sentence: given these events, when this command is decided, then that is the
// outcome.
type scenario struct {
	t     *testing.T
	state config.Aggregate
	cmd   config.Command
	label string
}

func given(t *testing.T, events ...config.Event) scenario {
	t.Helper()
	state, err := replay(name("a"), events)
	if err != nil {
		t.Fatal(err)
	}
	return scenario{t: t, state: state}
}

func (s scenario) when(cmd config.Command) scenario {
	s.cmd = cmd
	s.label = fmt.Sprintf("version %d, deleted %t: %T%+v", s.state.Version, s.state.Deleted, cmd, cmd)
	if want := reflect.ValueOf(cmd).FieldByName("ExpectedVersion"); !want.IsNil() {
		s.label += fmt.Sprintf(" expecting version %d", want.Elem().Int())
	}
	return s
}

func (s scenario) then(want outcome, event config.Event) {
	s.t.Helper()
	got, ok, err := s.state.Decide(s.cmd, noon)
	if o := outcomeOf(s.t, s, ok, err); o != want {
		s.t.Fatalf("%s: got %s, want %s", s.label, o, want)
	}
	if want != done {
		event = config.Event{}
	}
	if got != event {
		s.t.Errorf("%s: got %+v, want %+v", s.label, got, event)
	}
	if want == done {
		s.mustApply(event)
	}
}

// mustApply checks that the decided event can be applied, and checks the state after it.
func (s scenario) mustApply(event config.Event) {
	s.t.Helper()
	after, err := s.state.Apply(event)
	want := config.Aggregate{Name: s.state.Name, Value: event.Value, Version: event.Version}
	if event.Type == config.ValueDeleted {
		want.Value, want.Deleted = s.state.Value, true
	}
	if err != nil || after != want {
		s.t.Errorf("%s: applied: got %+v, %v, want %+v", s.label, after, err, want)
	}
}

func outcomeOf(t *testing.T, s scenario, ok bool, err error) outcome {
	t.Helper()
	conflicting := new(config.VersionConflictError)
	switch {
	case ok && err == nil:
		return done
	case ok:
		return "done and an error"
	case err == nil:
		return unchanged
	case errors.Is(err, config.ErrNotFound):
		return missing
	case errors.Is(err, config.ErrDeleted):
		return isDeleted
	case errors.Is(err, config.ErrNotDeleted):
		return notDeleted
	case errors.As(err, &conflicting):
		want := reflect.ValueOf(s.cmd).FieldByName("ExpectedVersion").Elem().Int()
		if conflicting.Actual != s.state.Version || int64(conflicting.Expected) != want {
			t.Errorf("%s: got %+v", s.label, conflicting)
		}
		return conflict
	}
	return outcome(err.Error())
}

func TestDecideRefusesACommandForAnotherName(t *testing.T) {
	for _, cmd := range []config.Command{
		config.Set{Name: name("b"), Value: value("x")}, config.Delete{Name: name("b")}, config.Restore{Name: name("b")},
	} {
		for _, events := range [][]config.Event{nothing, existing, deleted} {
			given(t, events...).when(cmd).then(`deciding: a command for config "b" came to config "a"`, config.Event{})
		}
	}
}

func TestDecideRefusesAnUnknownCommand(t *testing.T) {
	cmd := &config.Set{Name: name("a")} // a pointer is not one of the three commands
	event, ok, err := config.Aggregate{Name: name("a")}.Decide(cmd, noon)
	if err == nil || err.Error() != "deciding: unknown command *config.Set" || ok || event != (config.Event{}) {
		t.Errorf("got %+v, %t, %v", event, ok, err)
	}
}

func TestApplyRefusesWhatCannotFollow(t *testing.T) {
	for _, test := range []struct {
		given []config.Event
		event config.Event
		want  string
	}{
		{nothing, setEvent(0, "x", ""), `applying version 0 of config "a" to version 0 of config "a"`},
		{nothing, setEvent(2, "x", "y"), `applying version 2 of config "a" to version 0 of config "a"`},
		{existing, setEvent(2, "x", "last"), `applying version 2 of config "a" to version 2 of config "a"`},
		{existing, setEvent(4, "x", "last"), `applying version 4 of config "a" to version 2 of config "a"`},
		{existing, setEvent(1, "x", ""), `applying version 1 of config "a" to version 2 of config "a"`},
		{existing, setEvent(-1, "x", ""), `applying version -1 of config "a" to version 2 of config "a"`},
		{
			existing, config.Event{Type: config.ValueSet, Name: name("b"), Version: 3, Value: value("x")},
			`applying version 3 of config "b" to version 2 of config "a"`,
		},
		{nothing, deleteEvent(1, ""), `applying "ConfigValueDeleted" to config "a": it cannot follow version 0 (deleted: false)`},
		{nothing, restoreEvent(1, "x"), `applying "ConfigValueRestored" to config "a": it cannot follow version 0 (deleted: false)`},
		{existing, restoreEvent(3, "x"), `applying "ConfigValueRestored" to config "a": it cannot follow version 2 (deleted: false)`},
		{deleted, setEvent(4, "x", "last"), `applying "ConfigValueSet" to config "a": it cannot follow version 3 (deleted: true)`},
		{deleted, deleteEvent(4, "last"), `applying "ConfigValueDeleted" to config "a": it cannot follow version 3 (deleted: true)`},
		{
			existing, config.Event{Type: "ConfigRenamed", Name: name("a"), Version: 3},
			`applying "ConfigRenamed" to config "a": it cannot follow version 2 (deleted: false)`,
		},
		{existing, config.Event{Name: name("a"), Version: 3}, `applying "" to config "a": it cannot follow version 2 (deleted: false)`},
	} {
		state := given(t, test.given...).state
		if after, err := state.Apply(test.event); err == nil || err.Error() != test.want || after != state {
			t.Errorf("got %+v, %v\nwant %+v, %s", after, err, state, test.want)
		}
	}
}

func TestReplay(t *testing.T) {
	restored := append(deleted[:3:3], restoreEvent(4, "back"))
	for _, test := range []struct {
		events []config.Event
		want   config.Aggregate
		exists bool
	}{
		{nothing, config.Aggregate{Name: name("a")}, false},
		{existing, config.Aggregate{Name: name("a"), Value: value("last"), Version: 2}, true},
		{deleted, config.Aggregate{Name: name("a"), Value: value("last"), Version: 3, Deleted: true}, false},
		{restored, config.Aggregate{Name: name("a"), Value: value("back"), Version: 4}, true},
	} {
		got, err := replay(name("a"), test.events)
		if err != nil || got != test.want || got.Exists() != test.exists {
			t.Errorf("Replay of %d events = %+v (exists: %t), %v, want %+v", len(test.events), got, got.Exists(), err, test.want)
		}
	}
}

func TestReplayRefusesABrokenHistory(t *testing.T) {
	for what, events := range map[string][]config.Event{
		"its first event is gone": deleted[1:],
		"an event is gone":        {deleted[0], deleted[2]},
		"an event stands twice":   {deleted[0], deleted[0]},
		"two events are swapped":  {deleted[1], deleted[0]},
	} {
		if got, err := replay(name("a"), events); err == nil || got != (config.Aggregate{}) {
			t.Errorf("%s: got %+v, %v", what, got, err)
		}
	}
	if _, err := replay(name("b"), existing); err == nil {
		t.Error("the history of another name was replayed")
	}
}
