package memory

import (
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
	if err := store.(*Store).Replace(head, records); err != nil {
		t.Fatal(err)
	}
}
