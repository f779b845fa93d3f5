package eventstoretest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/eventstore"
)

// epoch is when the histories of the suite begin. It is neither a whole second nor a whole
// millisecond, so the suite finds stores that truncate times.
var epoch = time.Date(2026, 11, 22, 9, 10, 11, 123457000, time.UTC)

// writer is the only writer of a history, and remembers what it has written.
type writer struct {
	t        testing.TB
	store    eventstore.Store
	written  model
	versions map[string]int // :: name → its newest version
}

func newWriter(t testing.TB, s eventstore.Store) *writer {
	return &writer{t: t, store: s, versions: make(map[string]int)}
}

// write appends one record for each name, all in one append.
func (w *writer) write(names ...string) {
	w.t.Helper()
	w.append(w.drafts(names...)...)
}

// drafts returns the next record of each name, not yet sealed.
func (w *writer) drafts(names ...string) []eventstore.Record {
	records := make([]eventstore.Record, len(names))
	for i, name := range names {
		w.versions[name]++
		records[i] = draft(name, w.versions[name])
	}
	return records
}

// append seals the records and appends them in one append.
func (w *writer) append(records ...eventstore.Record) {
	w.t.Helper()
	before := w.written.head()
	seal(before, records)
	if err := w.store.Append(w.t.Context(), before, records); err != nil {
		w.t.Fatalf("appending %d records after seq %d: %v", len(records), before.Seq, err)
	}
	w.written = append(w.written, records...)
}

// refuse seals the records after a head, and requires that appending them fails with want and
// writes nothing.
func (w *writer) refuse(after eventstore.Head, want error, records ...eventstore.Record) {
	w.t.Helper()
	seal(after, records)
	if err := w.store.Append(w.t.Context(), after, records); !errors.Is(err, want) {
		w.t.Errorf("appending after %s: got error %v, want %q", after.Position(), err, want)
	}
	mustHold(w.t, w.store, w.written)
}

// draft returns a record that is not yet sealed.
func draft(name string, version int) eventstore.Record {
	data := fmt.Sprintf(`{"value":"%s %d"}`, name, version)
	return eventstore.Record{Name: name, Version: version, Type: "ConfigValueSet", SchemaVersion: 1, Data: data}
}

// seal makes records follow a head, a microsecond apart, and returns the head that they lead to.
func seal(head eventstore.Head, records []eventstore.Record) eventstore.Head {
	return sealAs(appendID(uint64(head.Seq)), head, records)
}

func sealAs(id eventstore.AppendID, head eventstore.Head, records []eventstore.Record) eventstore.Head {
	at := head.RecordedAt
	if at.IsZero() {
		at = epoch
	}
	for i := range records {
		at = at.Add(time.Microsecond)
		records[i].RecordedAt = at
	}
	var chain eventstore.Chain
	return chain.Seal(head, id, records)
}

func appendID(n uint64) eventstore.AppendID {
	var id eventstore.AppendID
	binary.BigEndian.PutUint64(id[8:], n)
	return id
}

// mustHold fails unless the store has exactly these records, and their head.
func mustHold(t testing.TB, s eventstore.Store, want model) {
	t.Helper()
	mustHaveHead(t, s, want.head())
	got, err := readAll(t.Context(), s)
	if err != nil {
		t.Fatalf("reading all: %v", err)
	}
	mustEqual(t, "all records", got, want)
}

func mustHaveHead(t testing.TB, s eventstore.Store, want eventstore.Head) {
	t.Helper()
	got, err := s.Head(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("Head: got %v, %v, want %v", got, err, want)
	}
}

func mustEqual(t testing.TB, what string, got, want []eventstore.Record) {
	t.Helper()
	if len(got) == 0 && len(want) == 0 || reflect.DeepEqual(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("%s: record %d differs (nothing below: by its time zone) (-want +got):\n%s", what, i, cmp.Diff(want[i], got[i]))
		}
	}
	t.Fatalf("%s: got %d records, want %d", what, len(got), len(want))
}
