package config_test

import (
	"math"
	"testing"

	"configapi/internal/config"
)

func TestEventSaysWhatItDid(t *testing.T) {
	for _, test := range []struct {
		event       config.EventType
		version     config.Version
		operation   config.Operation
		hasValue    bool
		hasOldValue bool
	}{
		{"ConfigValueSet", 1, "CREATED", true, false},
		{"ConfigValueSet", 2, "UPDATED", true, true},
		{"ConfigValueSet", 900, "UPDATED", true, true},
		{"ConfigValueDeleted", 2, "DELETED", false, true},
		{"ConfigValueRestored", 3, "RESTORED", true, false},
		{"ConfigRenamed", 1, "", true, false},
	} {
		e := config.Event{Type: test.event, Version: test.version}
		if got := e.Operation(); got != test.operation {
			t.Errorf("%s, version %d: Operation() = %q, want %q", test.event, test.version, got, test.operation)
		}
		if got := e.HasValue(); got != test.hasValue {
			t.Errorf("%s, version %d: HasValue() = %t", test.event, test.version, got)
		}
		if got := e.HasOldValue(); got != test.hasOldValue {
			t.Errorf("%s, version %d: HasOldValue() = %t", test.event, test.version, got)
		}
	}
}

func TestParseExpectedVersion(t *testing.T) {
	for _, n := range []int64{0, 1, 7, math.MaxInt32, math.MaxInt64} {
		if got, err := config.ParseExpectedVersion(n); err != nil || int64(*got) != n {
			t.Errorf("ParseExpectedVersion(%d) = %v, %v", n, got, err)
		}
	}
	for _, n := range []int64{-1, math.MinInt64} {
		got, err := config.ParseExpectedVersion(n)
		if got != nil {
			t.Errorf("ParseExpectedVersion(%d) = %d", n, *got)
		}
		mustBreakRule(t, err, "expectedVersion", "must not be negative")
	}
}
