package memory

import (
	"slices"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

func TestStoreKeepsTheLaws(t *testing.T) {
	eventstoretest.Run(t, newHistory, rewrite)
}

func newHistory(testing.TB) (open func() eventstore.Store) {
	s := New()
	return func() eventstore.Store { return s }
}

func rewrite(t testing.TB, store eventstore.Store, head eventstore.Head, records []eventstore.Record) {
	s := store.(*Store)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = nil
	clear(s.byName)
	if err := s.index(records); err != nil {
		t.Fatal(err)
	}
	s.head, s.records = head, slices.Clone(records)
}
