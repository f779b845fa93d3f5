package config_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"configapi/internal/config"
)

// noon is the time of the events in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// name returns a name that is known to be valid.
func name(text string) config.Name { return must(config.ParseName(text)) }

// value returns a value that is known to be valid.
func value(text string) config.Value {
	return must(config.ParseValue(text, config.DefaultMaxValueBytes))
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// mustBreakRule checks that err is an InvalidError of a field and a rule.
func mustBreakRule(t *testing.T, err error, field, rule string) {
	t.Helper()
	var invalid *config.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("got error %v, want an InvalidError about %q", err, field)
	}
	if invalid.Field != field || invalid.Rule != rule {
		t.Errorf("got %q: %q, want %q: %q", invalid.Field, invalid.Rule, field, rule)
	}
	if got, want := err.Error(), field+" "+rule; got != want {
		t.Errorf("got text %q, want %q", got, want)
	}
}

// replay returns the state after all events of one name, in order from its first one.
func replay(name config.Name, events []config.Event) (config.Aggregate, error) {
	a := config.Aggregate{Name: name}
	for _, e := range events {
		var err error
		if a, err = a.Apply(e); err != nil {
			return config.Aggregate{}, err
		}
	}
	return a, nil
}

// TestErrorsReadWell fixes the texts that people see.
func TestErrorsReadWell(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{config.ErrNotFound, "there is no config of this name"},
		{config.ErrDeleted, "the config is deleted; restore it first"},
		{config.ErrNotDeleted, "the config is not deleted, so there is nothing to restore"},
		{&config.InvalidError{Field: "name", Rule: "is empty"}, "name is empty"},
		{&config.VersionConflictError{Expected: 3, Actual: 5}, "version 3 was expected, but the config has version 5"},
		{&config.VersionConflictError{Expected: 3, Hidden: true}, "version 3 was expected, but the config has another one"},
		{
			&config.UnknownEventError{Type: "ConfigRenamed", SchemaVersion: 2},
			`unknown event type "ConfigRenamed", schema version 2: probably a newer program wrote it`,
		},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestCommandsSayTheirTarget(t *testing.T) {
	for _, cmd := range []config.Command{config.Set{Name: name("a")}, config.Delete{Name: name("a")}, config.Restore{Name: name("a")}} {
		if cmd.Target() != name("a") {
			t.Errorf("%T: got target %q", cmd, cmd.Target())
		}
	}
}

// A command is decided on the state of its config; applying the event gives the next state.
func ExampleAggregate_Decide() {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	name, _ := config.ParseName("payments/timeout")
	value, _ := config.ParseValue("30s", config.DefaultMaxValueBytes)

	state := config.Aggregate{Name: name}
	event, changed, err := state.Decide(config.Set{Name: name, Value: value}, noon)
	fmt.Println(event.Operation(), changed, err)

	state, err = state.Apply(event)
	fmt.Println(state.Value, state.Version, err)

	_, _, err = state.Decide(config.Restore{Name: name}, noon)
	fmt.Println(err)
	// Output:
	// CREATED true <nil>
	// 30s 1 <nil>
	// the config is not deleted, so there is nothing to restore
}
