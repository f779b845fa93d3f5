package sqlite

import (
	"errors"
	"strings"
	"testing"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

// TestNewestRecordRemovedMeanwhile removes a record whose place is known, before its page is read.
func TestNewestRecordRemovedMeanwhile(t *testing.T) {
	s := mustOpen(t, t.TempDir()+"/test.db", Options{})
	records, _ := eventstoretest.Next(eventstore.Head{}, "a", "b", "c")
	records[0].Data = strings.Repeat("x", eventstore.PageBytes) // a page of its own
	head := new(eventstore.Chain).Seal(eventstore.Head{}, eventstore.AppendID{1}, records)
	if err := s.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	err := s.EachNewest(t.Context(), head, func([]eventstore.Newest) error {
		err := s.writer.tx.conn.execute("DELETE FROM events WHERE position = 2")
		return err
	})
	var broken *eventstore.ChainError
	if !errors.As(err, &broken) || broken.Seq != 2 {
		t.Errorf("got %v, want a break at seq 2", err)
	}
}
