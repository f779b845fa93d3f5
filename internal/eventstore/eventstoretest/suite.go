// Package eventstoretest holds every event store to the laws of [eventstore.Store]: one suite, run on each of them, so that
// one may be taken for another, in tests above all.
//
// A store's own tests call [Run] once, and [Bench] from a benchmark. What a store does on its own account (settings that it
// refuses, locks, surviving a crash) they test themselves.
//
// One law does random things; it prints the seed that makes a run the same again when EVENTSTORETEST_SEED is set to it.
package eventstoretest

import (
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
	for _, group := range [][]law{appendLaws, readLaws, raceLaws, lockLaws, receiptLaws, waitLaws, randomLaws, tamperingLaws(rewrite)} {
		for _, l := range group {
			t.Run(l.name, func(t *testing.T) {
				t.Parallel()
				l.test(t, newHistory(t))
			})
		}
	}
}
