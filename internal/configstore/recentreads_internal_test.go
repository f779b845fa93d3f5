package configstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
)

// TestRecentReadsChangeNoAnswer compares reads of versions with those of the event store, while
// some of them were read before, and while pages end early.
func TestRecentReadsChangeNoAnswer(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	events := memory.New()
	records := make([]eventstore.Record, 100)
	for i := range records {
		records[i] = eventstore.Record{Name: fmt.Sprint("n", i%7), Version: i/7 + 1, Data: strings.Repeat("d", random.IntN(100)), RecordedAt: time.UnixMicro(int64(i + 1))}
	}
	head := new(eventstore.Chain).Seal(eventstore.Head{}, eventstore.AppendID{1}, records)
	if err := events.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	none := func(eventstore.Seq) bool { return false }
	for range 300 {
		recent := newRecentReads()
		from := random.IntN(len(records))
		recent.add(records[from:min(from+random.IntN(50), len(records))])
		var asked []eventstore.VersionOf
		for _, i := range random.Perm(130)[:random.IntN(60)] { // some of them are not in the history
			asked = append(asked, eventstore.VersionOf{Name: fmt.Sprint("n", i%7), Version: i/7 + 1})
		}
		limit := eventstore.Limit{Records: random.IntN(20), Bytes: random.IntN(1000)}
		kept, missing := recent.find(asked, none)
		read, err := events.ReadVersions(context.Background(), head, missing, limit)
		if err != nil {
			t.Fatal(err)
		}
		want, err := events.ReadVersions(context.Background(), head, asked, limit)
		if got := inOrder(asked, kept, read, limit); err != nil || !slices.EqualFunc(got, want, func(a, b eventstore.Record) bool { return a.Hash == b.Hash }) {
			t.Fatalf("%v, %+v: got %d records, want %d", asked, limit, len(got), len(want))
		}
	}
}

func TestRecentReadsAreBounded(t *testing.T) {
	recent := newRecentReads()
	for n := range 50 {
		page := make([]eventstore.Record, 1000)
		for i := range page {
			page[i] = eventstore.Record{Name: "n", Version: n*len(page) + i + 1, Data: strings.Repeat("d", (n%3)*500)}
		}
		recent.add(page)
		if len(recent.known) > maxRecentReads || len(recent.order) != len(recent.known) || recent.bytes > maxRecentBytes {
			t.Fatalf("%d records of %d bytes are kept", len(recent.known), recent.bytes)
		}
	}
	newest := eventstore.VersionOf{Name: "n", Version: 50_000}
	if kept, missing := recent.find([]eventstore.VersionOf{newest, {Name: "n", Version: 1}}, func(eventstore.Seq) bool { return false }); kept[0] == nil || kept[1] != nil || len(missing) != 1 {
		t.Errorf("kept %v, missing %d, want the newest to be kept and the first not", kept, len(missing))
	}
	if kept, _ := recent.find([]eventstore.VersionOf{newest}, func(eventstore.Seq) bool { return true }); kept[0] != nil {
		t.Error("an erased value is still kept")
	}
}

// TestRecentReadsLetGoOfPages keeps a small record of a page with a large one.
func TestRecentReadsLetGoOfPages(t *testing.T) {
	recent := newRecentReads()
	page := []eventstore.Record{{Name: "small", Version: 1}, {Name: "large", Version: 1, Data: strings.Repeat("d", maxRecentBytes)}}
	large := weak.Make(&page[1])
	recent.add(page)
	runtime.GC()
	if large.Value() != nil {
		t.Error("a record that is not kept is still in memory")
	}
	if kept, _ := recent.find([]eventstore.VersionOf{{Name: "small", Version: 1}}, func(eventstore.Seq) bool { return false }); kept[0] == nil {
		t.Error("the small record is not kept")
	}
}
