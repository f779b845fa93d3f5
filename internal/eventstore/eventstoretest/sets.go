package eventstoretest

import (
	"fmt"
	"strings"
	"testing"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

var setLaws = []law{
	{"a change set of any size is appended, missed and read as one", largestSets},
	{"records that only share an append are sets of their own", setsOfOneAppend},
}

// setOf returns the next record of each of n names as one change set behind a head, with so many
// bytes of data together.
func (w *writer) setOf(n, bytes int) []eventstore.Record {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n/%03d", i)
	}
	records := w.drafts(names...)
	for i := range records {
		records[i].Data = strings.Repeat("d", bytes/n)
		records[i].ChangeSet = w.written.head().Seq + eventstore.Seq(n)
	}
	return records
}

// largestSets appends sets with as many records, and as many bytes, as there may be. One handle
// appends them, another one misses them and locks the head.
func largestSets(t *testing.T, open func() eventstore.Store) {
	w, other := newWriter(t, open()), open()
	var before eventstore.Seq
	for _, size := range []struct{ records, bytes int }{
		{config.MaxChanges, config.MaxChangeSetBytes}, {1, 2 * config.MaxChangeSetBytes}, {2, config.MaxChangeSetBytes}, {config.MaxChanges, 0},
	} {
		before = w.written.head().Seq
		w.append(w.setOf(size.records, size.bytes)...)
	}
	own := w.store
	w.store = other
	w.lockAppend(before-2, w.setOf(config.MaxChanges, config.MaxChangeSetBytes)...)
	w.store = own
	mustHold(t, own, w.written)

	// A page may end inside a set; what is whole of it ends with a set.
	for _, limit := range []eventstore.Limit{{Records: config.MaxChanges + 1}, {Bytes: config.MaxChangeSetBytes + 1}} {
		page, err := own.Read(t.Context(), 0, limit)
		if err != nil || len(page) != config.MaxChanges+1 || len(eventstore.WholeSets(page)) != len(page) {
			t.Errorf("limit %+v: got %d records of whole sets among %d, %v", limit, len(eventstore.WholeSets(page)), len(page), err)
		}
	}
	page, err := own.Read(t.Context(), before, eventstore.Limit{Records: config.MaxChanges - 1})
	if err != nil || len(page) != config.MaxChanges-1 || len(eventstore.WholeSets(page)) != 0 {
		t.Errorf("a page inside a set: got %d records of whole sets among %d, %v", len(eventstore.WholeSets(page)), len(page), err)
	}
}

// setsOfOneAppend writes sets of several sizes in one append, 500 sets of one among them.
func setsOfOneAppend(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	var records []eventstore.Record
	for i := range 510 {
		n := 1
		if i%51 == 0 {
			n = 1 + i/51
		}
		end := eventstore.Seq(len(records) + n)
		for j := range n {
			r := draft(fmt.Sprint(i, "/", j), 1)
			r.ChangeSet = end
			records = append(records, r)
		}
	}
	w.append(records...)
	mustHold(t, open(), w.written)
	sets := make(map[eventstore.Seq]bool)
	for _, r := range w.written {
		sets[r.ChangeSet] = true
	}
	if len(sets) != 510 {
		t.Errorf("got %d sets, want 510", len(sets))
	}
}
