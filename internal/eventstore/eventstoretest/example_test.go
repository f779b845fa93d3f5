package eventstoretest_test

import (
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
	"configapi/internal/eventstore/memory"
)

// A new store proves the laws with one test and measures itself with one benchmark. The functions
// below stand for TestStoreKeepsTheLaws and BenchmarkStore in the store's own package.
func Example() {
	// Each law gets a history of its own. Handles of one memory store can be the store itself.
	newHistory := func(testing.TB) (open func() eventstore.Store) {
		store := memory.New()
		return func() eventstore.Store { return store }
	}
	// The laws about forged histories need a way around the store's own checks.
	rewrite := func(t testing.TB, s eventstore.Store, head eventstore.Head, records []eventstore.Record) {
		if err := s.(*memory.Store).Replace(head, records); err != nil {
			t.Fatal(err)
		}
	}
	_ = func(t *testing.T) { eventstoretest.Run(t, newHistory, rewrite) }
	_ = func(b *testing.B) { eventstoretest.Bench(b, newHistory) }
}
