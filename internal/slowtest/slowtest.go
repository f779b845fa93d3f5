// Package slowtest marks slow tests that seldom find anything, so that `make test` stays quick.
// `make test` prints how many it skips; `make ci` sets CONFIGAPI_SLOW_TESTS and runs them all.
// Tests of this package check both.
//
// To mark a test, add it to [Tests] and begin it with [Only]. A test with many rounds may take
// their number from [Rounds]; the Makefile sets that of rapid.
package slowtest

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Env is the environment variable that enables slow tests, whatever its value. A number is by how
// much the tests of [Rounds] take longer than in `make ci`.
const Env = "CONFIGAPI_SLOW_TESTS"

// Tests lists all slow tests by the folder of their package. A subtest is listed by its own name,
// and all subtests with this name are slow. `make test` counts the lines.
var Tests = map[string][]string{
	"graph": {
		"TestProtocol",
		"TestSlowReaderOfAConfig",
		"TestStreamsThatAreBehindShareABudget",
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
		"TestPostgresBecomesUnreachable",
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
		"TestNewestOfSlowTable",
		"TestQueriesDelayOnlyQueries",
		"TestRoleWithTightTimeouts",
		"TestServer",
		"TestSettingsOfOthersAreNotNoticed",
		"TestSettingsOfOthersBehindAPooler",
		"TestStoreBehindAPoolerKeepsTheLaws",
		"TestTextIsStoredAsItIs",
		"TestTheRoleOfAServerKeepsTheLaws",
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
		"TestSlowClientsAreCutOff",
	},
}

// Only skips the test unless slow tests are enabled. It fails a test that is not in [Tests].
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

// Rounds returns many if slow tests are enabled, times the number that [Env] has, else few.
func Rounds(few, many int) int {
	value := os.Getenv(Env)
	if value == "" {
		return few
	}
	times, err := strconv.Atoi(value)
	if err != nil {
		return many
	}
	return max(times, 1) * many
}
