package eventstoretest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

var appendLaws = []law{
	{"an empty history has the zero head and no records", emptyHistory},
	{"every field is read back as it was written", readBackEveryField},
	{"an append after a seq that is not the head is refused", refuseOtherPosition},
	{"an append after another hash at the seq of the head is refused", refuseOtherHash},
	{"the time of the expected head is not compared", ignoreTimeOfExpectedHead},
	{"records of one append are written together, however many", appendMany},
	{"a version that its config has already refuses the whole append", refuseTakenVersion},
	{"the same append sent again is refused", refuseSameAppend},
	{"two handles on one history see each other's appends", twoHandles},
}

func emptyHistory(t *testing.T, open func() eventstore.Store) {
	s := open()
	mustHold(t, s, nil)
	if records, err := s.ReadConfig(t.Context(), eventstore.Head{}, "a", 0, eventstore.Limit{}); err != nil || len(records) > 0 {
		t.Errorf("ReadConfig: got %v, %v, want none", records, err)
	}
	if records, err := s.ReadAsOf(t.Context(), eventstore.Head{}, eventstore.AsOf{Names: []string{"a"}}, eventstore.Limit{}); err != nil || len(records) > 0 {
		t.Errorf("ReadAsOf: got %v, %v, want none", records, err)
	}
}

func readBackEveryField(t *testing.T, open func() eventstore.Store) {
	text := func(s string) *string { return &s }
	w := newWriter(t, open())
	for _, r := range []eventstore.Record{
		{Name: "null", Version: 1, Data: "{}"},
		{Name: "empty", Version: 1, Data: "", Actor: text(""), Reason: text("")},
		{Name: "given", Version: 1, Data: "{}", Actor: text("ann"), Reason: text("because")},
		{Name: "actor", Version: 1, Data: "{}", Actor: text("ann")},
		{Name: "reason", Version: 1, Data: "{}", Reason: text("because")},
		{Name: "007", Version: 1, Data: "1e3", Actor: text("0x10"), Reason: text("12.50")},
		{Name: "spaces", Version: 1, Data: `  { "b": 1.0,"a":2,  "b":3 } ` + "\n", Actor: text(" ann "), Reason: text("\t")},
		{Name: "quotes", Version: 1, Data: `'";--\`, Actor: text("$1 ?1 :a %s"), Reason: text(`\x00 \N {"a","b"}`)},
		{Name: "unicode", Version: 1, Data: "a\u0301 ä ﷽ 🦫 \uFFFF \u2028 \x01\x7F", Actor: text("日本"), Reason: text("ПРИВЕТ")},
		{Name: strings.Repeat("n", 255), Version: 1, SchemaVersion: 1<<31 - 1, Data: strings.Repeat("d", 1<<20)},
		{Name: "of another program", Version: 1, Type: "Unheard/of", SchemaVersion: 99, Data: "not JSON"},
	} {
		w.append(r)
	}
	w.append(eventstore.Record{Name: "a", Version: 1, ChangeSet: 99}, eventstore.Record{Name: "b", Version: 1, ChangeSet: 99})
	mustHold(t, w.store, w.written)
	mustHold(t, open(), w.written)
}

func refuseOtherPosition(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	ahead := eventstore.Head{Seq: 3, Hash: eventstore.Hash{1}, RecordedAt: epoch}
	w.refuse(ahead, eventstore.ErrHeadMoved, draft("x", 1))
	w.write("a")
	behind := w.written.head()
	w.write("a", "b")
	for _, head := range []eventstore.Head{{}, behind, ahead} {
		w.refuse(head, eventstore.ErrHeadMoved, draft("x", 1))
		w.refuse(head, eventstore.ErrHeadMoved, draft("x", 1), draft("y", 1), draft("z", 1))
	}
	w.write("x")
	mustHold(t, open(), w.written)
}

func refuseOtherHash(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.refuse(eventstore.Head{Hash: eventstore.Hash{1}}, eventstore.ErrHeadMoved, draft("x", 1))
	w.write("a")
	fork := w.written.head()
	fork.Hash[31] ^= 1
	w.refuse(fork, eventstore.ErrHeadMoved, draft("x", 1))
	w.write("x")
	mustHold(t, open(), w.written)
}

func ignoreTimeOfExpectedHead(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.write("a")
	head := w.written.head()
	records := w.drafts("a")
	seal(head, records)
	head.RecordedAt = time.Time{}
	if err := w.store.Append(t.Context(), head, records); err != nil {
		t.Fatalf("appending from a head without its time: %v", err)
	}
	mustHold(t, w.store, append(w.written, records...))
}

func appendMany(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	for _, n := range []int{1, 2, 3, 15, 16, 17, 63, 64, 65, 100, 255, 256, 257, 500, 1001} {
		names := make([]string, n)
		for i := range names {
			names[i] = fmt.Sprintf("batch/%d", i)
		}
		w.write(names...)
	}
	mustHold(t, w.store, w.written)
}

func refuseTakenVersion(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.write("a", "b")
	many := make([]eventstore.Record, 0, 301)
	for i := range 300 {
		many = append(many, draft(fmt.Sprintf("many/%d", i), 1))
	}
	for _, records := range [][]eventstore.Record{
		{draft("a", 1)},
		{draft("c", 1), draft("a", 1)},
		{draft("b", 1), draft("c", 1)},
		{draft("c", 1), draft("c", 1)},
		append(many, draft("a", 1)),
	} {
		w.refuse(w.written.head(), eventstore.ErrNotWritten, records...)
	}
	w.write("a", "c", "A") // names that differ only by case are different
	w.append(many...)
	mustHold(t, w.store, w.written)
}

func refuseSameAppend(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	w.write("a")
	before := w.written.head()
	w.write("a", "b")
	if err := w.store.Append(t.Context(), before, w.written[1:]); !errors.Is(err, eventstore.ErrHeadMoved) {
		t.Errorf("got error %v, want %q", err, eventstore.ErrHeadMoved)
	}
	mustHold(t, w.store, w.written)
}

func twoHandles(t *testing.T, open func() eventstore.Store) {
	one, other := open(), open()
	w := newWriter(t, one)
	for range 3 {
		w.store = one
		w.write("a", "b")
		mustHold(t, other, w.written)
		w.store = other
		w.write("b")
		mustHold(t, one, w.written)
	}
	mustHold(t, open(), w.written)
}
