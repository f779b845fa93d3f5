package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/eventstoretest"
)

func TestReadingLargeRecordsLetsOthersRun(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "history.db"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records := make([]eventstore.Record, 16)
	for i := range records {
		records[i] = eventstore.Record{
			Name: "n", Version: i + 1, Type: "ConfigValueSet", SchemaVersion: 1,
			Data: strings.Repeat("v", largeData), RecordedAt: time.UnixMicro(int64(i + 1)).UTC(),
		}
	}
	head := new(eventstore.Chain).Seal(eventstore.Head{}, eventstore.AppendID{1}, records)
	if err := s.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	eventstoretest.MustYield(t, int64(len(records)/4), func() {
		if got, err := s.ReadHistory(t.Context(), head, 0, eventstore.Limit{}); err != nil || len(got) != len(records) {
			t.Errorf("got %d records, %v", len(got), err)
		}
	})
}
