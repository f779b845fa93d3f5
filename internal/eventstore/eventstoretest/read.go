package eventstoretest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/slowtest"
)

var readLaws = []law{
	{"Read returns records in order, up to its limit", readInOrder},
	{"ReadConfig returns the records of one name in order, up to its limit", readConfigInOrder},
	{"ReadConfigBack returns the records of one name from the newest back", readConfigBack},
	{"ReadInstant returns the newest record of every instant", readEveryInstant},
	{"ReadAsOf returns the newest record of each name at every seq", readAsOfEveryPosition},
	{"ReadAsOf finds one of many versions of a name", readAsOfManyVersions},
	{"ReadAsOf takes as many names as it promises", readAsOfManyNames},
	{"names are ordered by their bytes", orderNamesByBytes},
	{"a page ends early when it is large, but is never empty", endLargePagesEarly},
	{"a page ends where its limit says", endPagesEarly},
}

// someHistory writes a few appends of several names, in a pattern that does not repeat.
func someHistory(w *writer, names ...string) {
	w.t.Helper()
	for i := range 12 {
		batch := slices.Clone(names[i*i%len(names):])
		w.write(batch[:min(len(batch), 1+i%4)]...)
	}
}

func readInOrder(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	someHistory(w, "a", "b", "c", "d", "e")
	n := len(w.written)
	for after := range n + 2 {
		for _, limit := range []int{1, 2, 5, n, n + 1, 10_000} {
			want := w.written.read(eventstore.Seq(after), limit)
			got, err := w.store.Read(t.Context(), eventstore.Seq(after), eventstore.Limit{Records: limit})
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, fmt.Sprintf("Read(%d, %d)", after, limit), got, want)
			got, err = w.store.ReadHistory(t.Context(), w.written.head(), eventstore.Seq(after), eventstore.Limit{Records: limit})
			if err != nil {
				t.Fatal(err)
			}
			mustEqual(t, fmt.Sprintf("ReadHistory(%d, %d)", after, limit), got, want)
		}
	}
}

func readConfigInOrder(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	names := []string{"a", "a/b", "a.", "ab", "A"}
	someHistory(w, names...)
	for _, name := range append(names, "", "b", "a/", "a%", "_", "a*") {
		for _, after := range []int{0, 1, 2, 3, 7, 20} {
			for _, limit := range []int{1, 3, 10_000} {
				got, err := w.store.ReadConfig(t.Context(), w.written.head(), name, after, eventstore.Limit{Records: limit})
				if err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("ReadConfig(%q, %d, %d)", name, after, limit)
				mustEqual(t, what, got, w.written.readConfig(name, after, limit))
			}
		}
	}
}

func readConfigBack(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	names := []string{"a", "a/b", "ab", "A"}
	someHistory(w, names...)
	for _, name := range append(names, "never") {
		for _, before := range []int{-1, 0, 1, 2, 3, 4, 7, 20, math.MaxInt32} {
			for _, limit := range []int{0, 1, 3} {
				l := eventstore.Limit{Records: limit}
				got, err := w.store.ReadConfigBack(t.Context(), w.written.head(), name, before, l)
				if err != nil {
					t.Fatal(err)
				}
				what := fmt.Sprintf("ReadConfigBack(%q, %d, %d)", name, before, limit)
				mustEqual(t, what, got, w.written.readConfigBack(name, before, l.WithDefaults().Records))
			}
		}
	}
}

func readEveryInstant(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	instants := []time.Time{{}, time.Unix(0, 0), epoch, time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC), time.Date(-9999, 1, 1, 0, 0, 0, 0, time.UTC)}
	mustReadInstants(w, instants...)
	someHistory(w, "a", "b", "c")
	for _, r := range w.written {
		for _, off := range []time.Duration{-time.Microsecond, -1, 0, 1, 999, time.Microsecond} {
			instants = append(instants, r.RecordedAt.Add(off), r.RecordedAt.Add(off).In(time.FixedZone("", 3600)))
		}
	}
	mustReadInstants(w, instants...)
}

func mustReadInstants(w *writer, instants ...time.Time) {
	w.t.Helper()
	for _, instant := range instants {
		got, err := w.store.ReadInstant(w.t.Context(), w.written.head(), instant)
		if err != nil {
			w.t.Fatal(err)
		}
		mustEqual(w.t, fmt.Sprintf("ReadInstant(%v)", instant), []eventstore.Record{got}, []eventstore.Record{w.written.readInstant(instant)})
	}
}

func readAsOfEveryPosition(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	someHistory(w, "b", "a", "a/b", "B", "_")
	for at := 0; at < len(w.written)+3; at += slowtest.Rounds(4, 1) {
		for _, names := range [][]string{{"a"}, {"never"}, {"b", "a"}, {"_", "never", "a/b", "B", "b", "a"}, {}, nil} {
			mustReadAsOf(t, w, eventstore.Seq(at), names)
		}
	}
}

func mustReadAsOf(t testing.TB, w *writer, at eventstore.Seq, names []string) {
	t.Helper()
	want := w.written.readAsOf(at, names)
	q := eventstore.AsOf{At: at, Names: names}
	for _, q.NoData = range []bool{false, true} {
		if q.NoData {
			want = withoutData(want)
		}
		for _, limit := range []int{0, 1, len(want), len(want) + 1} {
			got, err := w.store.ReadAsOf(t.Context(), w.written.head(), q, eventstore.Limit{Records: limit})
			if err != nil {
				t.Fatal(err)
			}
			first := want[:min(eventstore.Limit{Records: limit}.WithDefaults().Records, len(want))]
			mustEqual(t, fmt.Sprintf("ReadAsOf(%d, %.60q, %d), without data: %t", at, names, limit, q.NoData), got, first)
		}
	}
}

func withoutData(records []eventstore.Record) []eventstore.Record {
	records = slices.Clone(records)
	for i := range records {
		records[i].Data = ""
	}
	return records
}

func readAsOfManyVersions(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	for i := range 4 {
		names := make([]string, 0, 120)
		for range 60 + i {
			names = append(names, "hot")
		}
		w.write(append(names, "cold", "hot", "lukewarm")...)
	}
	names := []string{"cold", "hot", "lukewarm"}
	for at := 0; at <= len(w.written); at += slowtest.Rounds(3, 1) {
		seq := eventstore.Seq(at)
		got, err := w.store.ReadAsOf(t.Context(), w.written.head(), eventstore.AsOf{At: seq, Names: names}, eventstore.Limit{})
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, fmt.Sprintf("ReadAsOf(%d)", at), got, w.written.readAsOf(seq, names))
	}
	for at := 0; at <= len(w.written); at += slowtest.Rounds(80, 20) {
		mustReadAsOf(t, w, eventstore.Seq(at), names)
	}
}

func readAsOfManyNames(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	names := make([]string, eventstore.MaxAsOfNames)
	for i := range names {
		names[i] = fmt.Sprintf("%03d/%s", i, strings.Repeat("n", 251))
	}
	w.write(names...)
	w.write(names[:250]...)
	for _, at := range []int{499, 750, 1, 500, 501}[:slowtest.Rounds(2, 5)] {
		mustReadAsOf(t, w, eventstore.Seq(at), names)
	}
}

func orderNamesByBytes(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	ordered := []string{"-", "-a", ".a", "0", "10", "2", ":", "A", "A/b", "Z", "_", "a", "a-b", "a.b", "a/b", "a0", "aB", "a_b", "ab", "z"}
	shuffled := slices.Clone(ordered)
	slices.Reverse(shuffled)
	w.write(shuffled[7:]...)
	w.write(shuffled[:7]...)
	got, err := w.store.ReadAsOf(t.Context(), eventstore.Head{}, eventstore.AsOf{At: w.written.head().Seq, Names: shuffled}, eventstore.Limit{})
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(got))
	for i, r := range got {
		names[i] = r.Name
	}
	if !slices.Equal(names, ordered) {
		t.Errorf("got %q, want %q", names, ordered)
	}
}

func endLargePagesEarly(t *testing.T, open func() eventstore.Store) {
	slowtest.Only(t)
	mustEndPages(t, newWriter(t, open()), eventstore.PageBytes, eventstore.Limit{}, eventstore.Limit{Records: 100})
}

func endPagesEarly(t *testing.T, open func() eventstore.Store) {
	const most = 50_000
	mustEndPages(t, newWriter(t, open()), most, eventstore.Limit{Bytes: most}, eventstore.Limit{Records: 100, Bytes: most},
		eventstore.Limit{Records: 2}, eventstore.Limit{Bytes: most + 10}, eventstore.Limit{Bytes: 11}, eventstore.Limit{Bytes: 1})
}

// mustEndPages writes records of which one, two or three fill a page of most bytes, and reads them
// with each limit by every read that takes one.
func mustEndPages(t *testing.T, w *writer, most int, limits ...eventstore.Limit) {
	t.Helper()
	sizes := []int{most + 1, 10, most / 2, most / 2, 10}
	for i, size := range sizes {
		r := draft("large", i+1)
		r.Data = strings.Repeat("d", size)
		w.append(r)
	}
	for i, size := range sizes {
		r := draft(fmt.Sprint("name", i), 1)
		r.Data = strings.Repeat("d", size)
		w.append(r)
	}
	head := w.written.head()
	versions, names := w.written[:len(sizes)], w.written[len(sizes):]
	for _, limit := range limits {
		mustBePaged(t, w.written, limit, func(after eventstore.Record) ([]eventstore.Record, error) {
			return w.store.Read(t.Context(), after.Seq, limit)
		})
		mustBePaged(t, w.written, limit, func(after eventstore.Record) ([]eventstore.Record, error) {
			return w.store.ReadHistory(t.Context(), head, after.Seq, limit)
		})
		mustBePaged(t, versions, limit, func(after eventstore.Record) ([]eventstore.Record, error) {
			return w.store.ReadConfig(t.Context(), head, "large", after.Version, limit)
		})
		back := slices.Clone(versions)
		slices.Reverse(back)
		mustBePaged(t, back, limit, func(after eventstore.Record) ([]eventstore.Record, error) {
			return w.store.ReadConfigBack(t.Context(), head, "large", cmp.Or(after.Version, math.MaxInt32), limit)
		})
		all := slices.Clone(w.written)
		slices.Reverse(all)
		mustBePaged(t, all, limit, func(after eventstore.Record) ([]eventstore.Record, error) {
			q := eventstore.Back{Before: cmp.Or(after.Seq, head.Seq+1)}
			records, _, err := w.store.ReadBack(t.Context(), head, q, limit)
			return records, err
		})
		mustBePaged(t, names, limit, func(after eventstore.Record) ([]eventstore.Record, error) {
			q := eventstore.AsOf{At: head.Seq}
			for _, r := range names {
				if r.Name > after.Name {
					q.Names = append(q.Names, r.Name)
				}
			}
			return w.store.ReadAsOf(t.Context(), head, q, limit)
		})
	}
	got, err := w.store.ReadAsOf(t.Context(), head, eventstore.AsOf{At: head.Seq, Names: namesOf(names), NoData: true}, eventstore.Limit{})
	if err != nil || len(got) != len(names) {
		t.Errorf("ReadAsOf without data: got %d records, %v, want %d", len(got), err, len(names))
	}
}

func namesOf(records []eventstore.Record) []string {
	names := make([]string, len(records))
	for i, r := range records {
		names[i] = r.Name
	}
	return names
}

// mustBePaged reads pages until none is left. It fails if a page is too large or ends too early, or
// if the pages together are not what was written.
func mustBePaged(t *testing.T, written model, limit eventstore.Limit, read func(after eventstore.Record) ([]eventstore.Record, error)) {
	t.Helper()
	bounds := limit.WithDefaults()
	var all []eventstore.Record
	var last eventstore.Record
	for {
		page, err := read(last)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		all = append(all, page...)
		last = page[len(page)-1]
		if bytes := dataBytes(page) - len(last.Data); bytes >= bounds.Bytes || len(page) > bounds.Records {
			t.Errorf("%+v: a page holds %d records, of %d bytes before the last", limit, len(page), bytes)
		}
		if len(all) < len(written) && !limit.Fills(page) {
			t.Errorf("%+v: a page ends at %d records of %d bytes", limit, len(page), dataBytes(page))
		}
		if len(all) > len(written) {
			break
		}
	}
	mustEqual(t, "all pages", all, written)
}

func dataBytes(records []eventstore.Record) (n int) {
	for _, r := range records {
		n += len(r.Data)
	}
	return n
}
