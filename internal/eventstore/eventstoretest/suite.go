// Package eventstoretest proves the laws of [eventstore.Store] on an event store. All stores run
// the same suite, so one may replace another, above all in tests.
//
// The tests of a store call [Run] once, and [Bench] from a benchmark: see the example. The suite
// does not cover what only one kind of store does, such as settings that it refuses, locks on
// files, and surviving a crash.
//
// One law does random operations. It prints a seed; set EVENTSTORETEST_SEED to it to repeat the
// run.
package eventstoretest

import (
	"slices"
	"testing"

	"configapi/internal/eventstore"
)

// NewHistory makes a fresh, empty history. Each call of open returns another handle on it, or the
// same one if a handle may be shared. NewHistory closes all handles with t.Cleanup.
type NewHistory func(t testing.TB) (open func() eventstore.Store)

// Rewrite replaces the records and the head in a store's storage directly, as an operator with a
// database client could. They need not fit together; seqs are unique, and so are versions of a
// name.
type Rewrite func(t testing.TB, s eventstore.Store, head eventstore.Head, records []eventstore.Record)

// law is one sub-test. It gets a history of its own.
type law struct {
	name string
	test func(t *testing.T, open func() eventstore.Store)
}

// Run proves all laws on one kind of store. It uses rewrite to forge histories.
func Run(t *testing.T, newHistory NewHistory, rewrite Rewrite) {
	run(t, newHistory, appendLaws, setLaws, readLaws, versionLaws, backLaws, raceLaws, lockLaws, durableLaws, receiptLaws, useLaws, waitLaws, randomLaws, newestLaws(rewrite), tamperingLaws(rewrite), basisLaws(rewrite))
}

// RunWrites proves the laws about appends, locks and waiting. It is for a store that [Run] has
// proved already and that is now reached in another way, such as through a pooler. Most laws about
// reads are left out, because the statements are the same; the random operations send each of them
// once.
func RunWrites(t *testing.T, newHistory NewHistory) {
	run(t, newHistory, appendLaws, setLaws, raceLaws, lockLaws, durableLaws, receiptLaws, useLaws, waitLaws, randomLaws)
}

func run(t *testing.T, newHistory NewHistory, groups ...[]law) {
	for _, l := range slices.Concat(groups...) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.test(t, newHistory(t))
		})
	}
}
