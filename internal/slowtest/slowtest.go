// Package slowtest sets apart tests that take long and seldom find anything, so that `make test`
// stays quick. `make check` runs them all: it sets CONFIGAPI_SLOW_TESTS, and its own test makes
// sure of that.
//
// To make a test one of them, add it to the list here and begin it with [Only].
package slowtest

import (
	"os"
	"slices"
	"testing"
)

// Env is the environment variable that has slow tests run, whatever its value.
const Env = "CONFIGAPI_SLOW_TESTS"

// Tests are all slow tests, by the folder of their package.
var Tests = map[string][]string{
	"internal/edgetest": {"TestSessionsAreEndedAtAnyMoment"},
	"internal/eventstore/postgres": {
		"TestCommitsBehindAPoolerWait",
		"TestFoundIsNotDurable",
		"TestReadOnlyAndBack",
		"TestRoleWithTightTimeouts",
		"TestSettingsOfOthersAreNotNoticed",
		"TestSettingsOfOthersBehindAPooler",
		"TestTwoPrimaries",
		"TestWriterThatFreezesWhileItIsSentWhatItMissed",
	},
}

// Only goes on with a test of the list when slow ones are wanted, and skips it otherwise.
func Only(t *testing.T) {
	t.Helper()
	known := false
	for _, names := range Tests {
		known = known || slices.Contains(names, t.Name())
	}
	if !known {
		t.Fatalf("%s is not in the list of slow tests", t.Name())
	}
	if os.Getenv(Env) == "" {
		t.Skipf("slow: make check runs it, or %s=1", Env)
	}
}
