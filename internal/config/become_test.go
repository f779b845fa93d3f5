package config_test

import (
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/config"
)

// TestBecome brings a config from each state to each other: the command that Become returns leads
// there, and there is none only where nothing is to be done.
func TestBecome(t *testing.T) {
	first, last := value("first"), value("last")
	for _, test := range []struct {
		given []config.Event
		want  *config.Value
		then  string // the type of the event that follows, "" for none
	}{
		{nothing, nil, ""},
		{nothing, &first, "ConfigValueSet"},
		{existing, nil, "ConfigValueDeleted"},
		{existing, &first, "ConfigValueSet"},
		{existing, &last, ""},
		{deleted, nil, ""},
		{deleted, &first, "ConfigValueRestored"},
		{deleted, &last, "ConfigValueRestored"},
	} {
		a := stateAfter(t, test.given)
		cmd := a.Become(test.want)
		if cmd == nil {
			if test.then != "" {
				t.Errorf("version %d, deleted: %t: got no command, want %s", a.Version, a.Deleted, test.then)
			}
			continue
		}
		event, ok, err := a.Decide(cmd, noon)
		if err != nil || !ok || string(event.Type) != test.then {
			t.Errorf("version %d, deleted: %t: got %s, %t, %v, want %s", a.Version, a.Deleted, event.Type, ok, err, test.then)
			continue
		}
		after, err := a.Apply(event)
		if err != nil || after.Exists() != (test.want != nil) || test.want != nil && after.Value != *test.want {
			t.Errorf("after %s: got %+v, %v, want value %v", event.Type, after, err, test.want)
		}
	}
}

// stateAfter returns the state of the config a after events.
func stateAfter(t *testing.T, events []config.Event) config.Aggregate {
	a := config.Aggregate{Name: name("a")}
	for _, e := range events {
		var err error
		if a, err = a.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// TestUndoOfAnyEvent shows that each event is undone by what it had before: value and existence are
// then as they were.
func TestUndoOfAnyEvent(t *testing.T) {
	x, y := value("x"), value("y")
	rapid.Check(t, func(t *rapid.T) {
		a := config.Aggregate{Name: name("a")}
		for range rapid.IntRange(1, 8).Draw(t, "events") {
			want := rapid.SampledFrom([]*config.Value{nil, &x, &y}).Draw(t, "value")
			cmd := a.Become(want)
			if cmd == nil {
				continue
			}
			before := a
			event, _, err := a.Decide(cmd, noon)
			if err != nil {
				t.Fatal(err)
			}
			if a, err = a.Apply(event); err != nil {
				t.Fatal(err)
			}
			undone := a
			if undo := a.Become(event.ValueBefore()); undo != nil {
				back, _, err := a.Decide(undo, noon)
				if err != nil {
					t.Fatal(err)
				}
				if undone, err = a.Apply(back); err != nil {
					t.Fatal(err)
				}
			}
			if undone.Exists() != before.Exists() || before.Exists() && undone.Value != before.Value {
				t.Fatalf("undoing %s: got %+v, want %+v", event.Operation(), undone, before)
			}
		}
	})
}
