package eventstoretest

import (
	stdcmp "cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"configapi/internal/eventstore"
)

func newestLaws(rewrite Rewrite) []law {
	return []law{
		{"the newest records are those of all names at a basis", readNewestOfAll},
		{"the newest records of many names, and of large ones, come in pages", readNewestInPages},
		{"the newest records show what is missing", func(t *testing.T, open func() eventstore.Store) {
			readNewestOfTampered(t, open(), rewrite)
		}},
	}
}

// newest returns what EachNewest must yield, by name.
func (m model) newest(basis eventstore.Head) []eventstore.Newest {
	var found []eventstore.Newest
	at := func(seq eventstore.Seq) (r eventstore.Record) {
		if i := slices.IndexFunc(m, func(r eventstore.Record) bool { return r.Seq == seq }); i >= 0 {
			r = m[i]
		}
		return r
	}
	for _, name := range m.names() {
		records := m.filter(len(m), func(r eventstore.Record) bool { return r.Name == name && r.Seq <= basis.Seq })
		if len(records) == 0 {
			continue
		}
		newest := eventstore.Newest{Record: records[len(records)-1], Order: len(found), SetEnd: at(records[len(records)-1].ChangeSet).Hash}
		if before := at(newest.Seq - 1); before.Seq > 0 {
			newest.Before = eventstore.HeadOf(&before)
		}
		if records[0].Version == 1 {
			newest.CreatedAt = records[0].RecordedAt
		}
		found = append(found, newest)
	}
	return found
}

// names returns all names, in byte order.
func (m model) names() (all []string) {
	for _, r := range m {
		all = append(all, r.Name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// readNewest returns what EachNewest yields, by name, and how many pages that were.
func readNewest(t testing.TB, s eventstore.Store, basis eventstore.Head) (found []eventstore.Newest, pages int, err error) {
	t.Helper()
	err = s.EachNewest(t.Context(), basis, func(page []eventstore.Newest) error {
		pages++
		found = append(found, page...)
		return nil
	})
	slices.SortFunc(found, func(a, b eventstore.Newest) int { return stdcmp.Or(a.Part-b.Part, a.Order-b.Order) })
	for i, part := 0, 0; i < len(found); i++ { // number them as if there were one part
		if n := &found[i]; i == 0 || n.Part != part {
			part = n.Part
			if n.Order != 0 {
				t.Fatalf("the first name of part %d is its number %d", n.Part, n.Order)
			}
		} else if n.Order != found[i-1].Order+1 {
			t.Fatalf("number %d of part %d follows number %d", n.Order, n.Part, found[i-1].Order)
		}
	}
	for i := range found {
		found[i].Part, found[i].Order = 0, i
	}
	return found, pages, err
}

func mustReadNewest(t testing.TB, s eventstore.Store, written model, basis eventstore.Head) {
	t.Helper()
	got, _, err := readNewest(t, s, basis)
	if err != nil {
		t.Fatal(err)
	}
	want := written.newest(basis)
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("EachNewest at %d (-want +got):\n%s", basis.Seq, cmp.Diff(want, got))
	}
	if err := new(eventstore.Chain).VerifyNewest(basis, got); err != nil && basis.Seq > 0 && written[basis.Seq-1].ChangeSet == basis.Seq {
		t.Fatalf("at %d: %v", basis.Seq, err)
	}
}

// readNewestOfAll has names with many versions, change sets, and names around others in byte order.
func readNewestOfAll(t *testing.T, open func() eventstore.Store) {
	s := open()
	w := newWriter(t, s)
	mustReadNewest(t, s, nil, eventstore.Head{})
	w.write("b", "a", "b", "a/b", "a-b", "B", "ab")
	set := w.drafts("c", "a", "b", "a")
	for i := range set {
		set[i].ChangeSet = eventstore.Seq(len(w.written) + len(set))
	}
	w.append(set...)
	w.write(slices.Repeat([]string{"hot"}, 150)...)
	w.write("z", "hot", "a")
	for n := range len(w.written) + 1 {
		mustReadNewest(t, s, w.written, w.written[:n].head())
	}
	other := w.written.head()
	other.Hash[31]++
	if got, _, err := readNewest(t, s, other); !errors.Is(err, eventstore.ErrDiverged) || len(got) > 0 {
		t.Errorf("at the basis of another history: got %d records, %v", len(got), err)
	}
	stop := errors.New("stop")
	if err := s.EachNewest(t.Context(), w.written.head(), func([]eventstore.Newest) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("when yield fails: got %v", err)
	}
}

func readNewestInPages(t *testing.T, open func() eventstore.Store) {
	s := open()
	w := newWriter(t, s)
	for i := range 10 {
		records := w.drafts(fmt.Sprint("large/", i))
		records[0].Data = strings.Repeat("x", 1<<20)
		w.append(records...)
	}
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprint("many/", i*7%len(names))
	}
	w.write(names...)
	got, pages, err := readNewest(t, s, w.written.head())
	if err != nil || len(got) != 10+len(names) {
		t.Fatalf("got %d, %v", len(got), err)
	}
	for i, n := range got {
		if n.Order != i || i > 0 && got[i-1].Name >= n.Name {
			t.Fatalf("%q comes after %q, as number %d", n.Name, got[max(i-1, 0)].Name, n.Order)
		}
	}
	if pages < 3 {
		t.Errorf("all of it in %d pages", pages)
	}
}

// readNewestOfTampered removes records beside a newest one.
func readNewestOfTampered(t *testing.T, s eventstore.Store, rewrite Rewrite) {
	written := tenRecords(t, s) // a b a b c a b c/d e f
	for _, row := range []struct {
		name    string
		removed eventstore.Seq
		found   eventstore.Seq
	}{
		{"the record before", 5, 5},
		{"the first of a name", 1, 6},
	} {
		rewrite(t, s, written.head(), slices.Delete(slices.Clone(written), int(row.removed)-1, int(row.removed)))
		got, _, err := readNewest(t, s, written.head())
		if err != nil {
			t.Fatal(err)
		}
		var broken *eventstore.ChainError
		if err := new(eventstore.Chain).VerifyNewest(written.head(), got); !errors.As(err, &broken) || broken.Seq != row.found {
			t.Errorf("%s is missing: got %v, want a break at seq %d", row.name, err, row.found)
		}
	}
}
