package main

import (
	"testing"

	"configapi/internal/config"
	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

func TestHistoryIsOneThatConfigapiCouldHaveWritten(t *testing.T) {
	const events, names = 2*historyBatch + 7, 40
	store := memory.New()
	if err := writeHistory(t.Context(), store, options{Events: events, Names: names, Size: 64}); err != nil {
		t.Fatal(err)
	}
	records, err := store.Read(t.Context(), 0, eventstore.Limit{Records: 10 * events})
	if err != nil || len(records) != events {
		t.Fatalf("got %d records, %v, want %d", len(records), err, events)
	}
	var chain eventstore.Chain
	if _, err := chain.Verify(eventstore.Head{}, records); err != nil {
		t.Error(err)
	}
	replayed := map[config.Name]config.Aggregate{}
	for i := range records {
		revision, err := eventstore.Decode(&records[i])
		if err != nil {
			t.Fatal(err)
		}
		c := replayed[revision.Name]
		c.Name = revision.Name
		if replayed[revision.Name], err = c.Apply(revision.Event); err != nil {
			t.Fatalf("position %d: %v", i+1, err)
		}
	}
	if len(replayed) != names {
		t.Errorf("got %d names, want %d", len(replayed), names)
	}
	first, err := config.ParseName(historyName(0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if busy := replayed[first]; int(busy.Version) < events/busyShare {
		t.Errorf("got %d revisions of the first name, want one in %d events", busy.Version, busyShare)
	}
	for name, c := range replayed {
		if got := len(c.Value.String()); got != 64 {
			t.Errorf("%s: got a value of %d bytes, want 64", name, got)
		}
	}
}
