// Package eventstoretest holds every event store to the laws of [eventstore.Store]: one suite, run on each of them, so that
// one may be taken for another, in tests above all.
//
// A store's own tests call [Run] once, and [Bench] from a benchmark. What a store does on its own account (settings that it
// refuses, locks, surviving a crash) they test themselves.
//
// One law does random things; it prints the seed that makes a run the same again when EVENTSTORETEST_SEED is set to it.
package eventstoretest

import (
	"slices"
	"testing"

	"configapi/internal/eventstore"
)

// NewHistory makes a fresh, empty history. Each call of open returns another handle on it; all of them are closed by
// t.Cleanup.
type NewHistory func(t testing.TB) (open func() eventstore.Store)

// Rewrite changes the history of s behind its back, as somebody with a database client would: afterwards head and records
// are all that is stored, whether or not they fit together. Positions are unique, and so are versions of a name.
type Rewrite func(t testing.TB, s eventstore.Store, head eventstore.Head, records []eventstore.Record)

// law is one sub-test. It has a history of its own.
type law struct {
	name string
	test func(t *testing.T, open func() eventstore.Store)
}

// Run proves the laws on one kind of store.
func Run(t *testing.T, newHistory NewHistory, rewrite Rewrite) {
	run(t, newHistory, appendLaws, readLaws, raceLaws, lockLaws, durableLaws, receiptLaws, waitLaws, randomLaws, tamperingLaws(rewrite), basisLaws(rewrite))
}

// RunWrites proves again, on a store that [Run] has held to all laws and that is reached in another way, such as by way of a
// pooler, what may depend on that way: all that is written, locked and waited for. It leaves out what is about the answers
// to reads alone, for those are the same statements; the random operations send each of them.
func RunWrites(t *testing.T, newHistory NewHistory) {
	run(t, newHistory, appendLaws, raceLaws, lockLaws, durableLaws, receiptLaws, waitLaws, randomLaws)
}

func run(t *testing.T, newHistory NewHistory, groups ...[]law) {
	for _, l := range slices.Concat(groups...) {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			l.test(t, newHistory(t))
		})
	}
}
