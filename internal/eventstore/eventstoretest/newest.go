package eventstoretest

import (
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
		{"the newest records are those of all names at a basis", readNewest},
		{"pages of the newest records end by bytes", readNewestByBytes},
		{"the newest records show what is missing", func(t *testing.T, open func() eventstore.Store) {
			readNewestOfTampered(t, open(), rewrite)
		}},
	}
}

// readNewest returns what ReadNewest must return.
func (m model) readNewest(basis eventstore.Head, after string) []eventstore.Newest {
	var found []eventstore.Newest
	at := func(seq eventstore.Seq) (r eventstore.Record) {
		if i := slices.IndexFunc(m, func(r eventstore.Record) bool { return r.Seq == seq }); i >= 0 {
			r = m[i]
		}
		return r
	}
	for _, name := range m.names() {
		records := m.filter(len(m), func(r eventstore.Record) bool { return r.Name == name && r.Seq <= basis.Seq })
		if name <= after || len(records) == 0 {
			continue
		}
		newest := eventstore.Newest{Record: records[len(records)-1], SetEnd: at(records[len(records)-1].ChangeSet).Hash}
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

func mustReadNewest(t testing.TB, s eventstore.Store, written model, basis eventstore.Head, after string, limit eventstore.Limit) {
	t.Helper()
	got, err := s.ReadNewest(t.Context(), basis, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	want := written.readNewest(basis, after)
	want = want[:min(limit.WithDefaults().Records, len(want))]
	if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
		t.Fatalf("ReadNewest at %d after %q, at most %d (-want +got):\n%s", basis.Seq, after, limit.Records, cmp.Diff(want, got))
	}
	if err := new(eventstore.Chain).VerifyNewest(basis, got); err != nil && basis.Seq > 0 && written[basis.Seq-1].ChangeSet == basis.Seq {
		t.Fatalf("at %d: %v", basis.Seq, err)
	}
}

// readNewest has names with many versions, change sets, and names around others in byte order.
func readNewest(t *testing.T, open func() eventstore.Store) {
	s := open()
	w := newWriter(t, s)
	mustReadNewest(t, s, nil, eventstore.Head{}, "", eventstore.Limit{})
	w.write("b", "a", "b", "a/b", "a-b", "B", "ab")
	set := w.drafts("c", "a", "b", "a")
	for i := range set {
		set[i].ChangeSet = eventstore.Seq(len(w.written) + len(set))
	}
	w.append(set...)
	w.write(slices.Repeat([]string{"hot"}, 150)...)
	w.write("z", "hot", "a")
	for n := range len(w.written) + 1 {
		basis := w.written[:n].head()
		for _, after := range []string{"", "a", "a/", "b", "hot", "z", "~"} {
			mustReadNewest(t, s, w.written, basis, after, eventstore.Limit{Records: 1 + n%5})
		}
		mustReadNewest(t, s, w.written, basis, "", eventstore.Limit{})
	}
	other := w.written.head()
	other.Hash[31]++
	if got, err := s.ReadNewest(t.Context(), other, "", eventstore.Limit{}); !errors.Is(err, eventstore.ErrDiverged) || len(got) > 0 {
		t.Errorf("at the basis of another history: got %d records, %v", len(got), err)
	}
}

func readNewestByBytes(t *testing.T, open func() eventstore.Store) {
	s := open()
	w := newWriter(t, s)
	for i := range 10 {
		records := w.drafts(fmt.Sprint(i))
		records[0].Data = strings.Repeat("x", 1000)
		w.append(records...)
	}
	got, err := s.ReadNewest(t.Context(), w.written.head(), "", eventstore.Limit{Bytes: 2500})
	if err != nil || len(got) != 3 {
		t.Errorf("pages of 2,500 bytes of records of 1,000: got %d, %v, want 3", len(got), err)
	}
	got, err = s.ReadNewest(t.Context(), w.written.head(), "3", eventstore.Limit{Bytes: 1})
	if err != nil || len(got) != 1 || got[0].Name != "4" {
		t.Errorf("a page of one byte: got %v, %v, want one record", got, err)
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
		got, err := s.ReadNewest(t.Context(), written.head(), "", eventstore.Limit{})
		if err != nil {
			t.Fatal(err)
		}
		var broken *eventstore.ChainError
		if err := new(eventstore.Chain).VerifyNewest(written.head(), got); !errors.As(err, &broken) || broken.Seq != row.found {
			t.Errorf("%s is missing: got %v, want a break at seq %d", row.name, err, row.found)
		}
	}
}
