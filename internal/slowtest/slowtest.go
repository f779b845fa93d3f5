// Package slowtest sets apart tests that take long and seldom find anything, so that `make test`
// stays quick: it says how many it has left out. `make ci` runs them all: it sets
// CONFIGAPI_SLOW_TESTS, and the package's own tests make sure of that.
//
// To make a test one of them, add it to the list here and begin it with [Only]. A test that proves
// the same again and again takes its number of rounds from [Rounds]; those of rapid are set by the
// Makefile.
package slowtest

import (
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// Env is the environment variable that has slow tests run, whatever its value.
const Env = "CONFIGAPI_SLOW_TESTS"

// Tests are all slow tests, by the folder of their package. The name of a subtest stands for all
// that are called so, without what it is a part of. `make test` counts the lines.
var Tests = map[string][]string{
	"graph": {
		"TestProtocol",
		"TestSlowReaderOfAConfig",
		"TestStreamsThatAreBehindShareRoom",
	},
	"graph/transport/gqlws": {
		"TestProtocolOfStockTransport",
		"TestProtocolOverTCP",
		"TestUnreadAnswersOfOneSocket",
	},
	"internal/cli": {
		"TestNoAcknowledgedWriteIsLost",
		"TestUpgradeNodeByNode",
	},
	"internal/configstore": {
		"TestPagesEndByBytes",
		"TestPagesOfChangesEndByBytes",
	},
	"internal/edgetest": {
		"TestNoAnswerMixesTwoHistories",
		"TestPostgresGoesAway",
		"TestSessionsAreEndedAtAnyMoment",
	},
	"internal/eventstore/eventstoretest": {
		"a page ends early when it is large, but is never empty",
		"a locked append does not decide when it is ahead or too far behind",
	},
	"internal/eventstore/postgres": {
		"TestCommitsBehindAPoolerWait",
		"TestFoundIsNotDurable",
		"TestFrozenWriterHoldsOthersUpForTheLockTimeout",
		"TestFullDiskIsNotWritten",
		"TestLargePagesAreTheSameWithAndWithoutTheGuard",
		"TestReadOnlyAndBack",
		"TestQueriesDelayOnlyQueries",
		"TestRoleWithTightTimeouts",
		"TestServer",
		"TestSettingsOfOthersAreNotNoticed",
		"TestSettingsOfOthersBehindAPooler",
		"TestStoreBehindAPoolerKeepsTheLaws",
		"TestTextIsStoredAsItIs",
		"TestTwoPrimaries",
		"TestWriterThatFreezesWhileItIsSentWhatItMissed",
	},
	"internal/eventstore/sqlite": {
		"TestLogOfAnotherFileIsNotReplayed",
		"TestPowerCutWhileAServerStarts",
	},
	"internal/postgrestest": {
		"TestClusterIsDurableAndComesBackAfterEveryKindOfStop",
	},
	"internal/rest": {
		"TestLimitOfAllBodies",
		"TestLongAnswersHoldLittle",
		"TestPagesEndEarly",
		"TestSlowClientsMakeRoom",
	},
}

// Only goes on with a test of the list when slow ones are wanted, and skips it otherwise.
func Only(t *testing.T) {
	t.Helper()
	known := false
	for _, names := range Tests {
		known = known || slices.Contains(names, t.Name()) ||
			slices.ContainsFunc(names, func(name string) bool { return path.Base(t.Name()) == strings.ReplaceAll(name, " ", "_") })
	}
	if !known {
		t.Fatalf("%s is not in the list of slow tests", t.Name())
	}
	if os.Getenv(Env) == "" {
		t.Skipf("slow: make ci runs it, or %s=1", Env)
	}
}

// Rounds returns all when slow tests are wanted, and few otherwise.
func Rounds(few, all int) int {
	if os.Getenv(Env) == "" {
		return few
	}
	return all
}
