package config_test

import (
	"errors"
	"testing"
	"time"

	"configapi/internal/config"
)

// noon is when things happen in these tests.
var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)

// name makes a name that is known to be right.
func name(text string) config.Name { return must(config.ParseName(text)) }

// value makes a value that is known to be right.
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
