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

func TestReplaceIsAllOrNothing(t *testing.T) {
	s := New()
	written, head := eventstoretest.Next(eventstore.Head{}, "a", "b")
	if err := s.Append(t.Context(), eventstore.Head{}, written); err != nil {
		t.Fatal(err)
	}
	twice := []eventstore.Record{written[0], written[0]}
	if err := s.Replace(eventstore.Head{Seq: 2}, twice); err == nil {
		t.Error("two records of one version: got no error")
	}
	got, err := eventstoretest.Verify(t.Context(), s)
	if err != nil || len(got) != 2 || s.head != head {
		t.Errorf("after that: got %d records, head %v, %v, want the history of before", len(got), s.head, err)
	}
}
