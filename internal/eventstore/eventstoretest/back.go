package eventstoretest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

var backLaws = []law{
	{"ReadBack returns what is selected, newest first and page by page", readBackSelected},
	{"ReadBack examines no more than it may", readBackBounded},
	{"ReadBack goes back from every seq of many versions", readBackManyVersions},
	{"ReadHeads returns the head of each seq in the order asked", readHeadsOfSeqs},
	{"ReadNames returns the names between two seqs once", readNamesBetween},
}

// backHistory writes changes of every operation, by two actors and by none, and events of streams
// that are not configs.
func backHistory(w *writer) {
	ann, bob := "ann", "Bob"
	actors := []*string{&ann, nil, &bob, &ann, nil}
	types := []config.EventType{config.ValueSet, config.ValueDeleted, config.ValueRestored}
	names := []string{"a", "a/b", "a-b", "a0", "$a/b", "a/b/c", "b", "A"}
	for i := range 9 {
		batch := w.drafts(names[i*i%len(names):]...)
		for j := range batch {
			r := &batch[j]
			r.Actor = actors[(i+j*j)%len(actors)]
			if r.Version > 1 {
				r.Type = string(types[(i+j)%len(types)])
			}
			if strings.HasPrefix(r.Name, "$") {
				r.Type = "SomethingElse"
			}
		}
		w.append(batch...)
	}
}

// someBacks are combinations of all conditions.
func someBacks(head eventstore.Seq) (all []eventstore.Back) {
	ann, nobody := "ann", "nobody"
	for _, names := range [][]string{nil, {"a"}, {"b", "a/b", "never"}, {"$a/b"}, {}} {
		for _, prefix := range []string{"", "a", "a/b", "A"} {
			for _, actor := range []*string{nil, &ann, &nobody} {
				for _, operations := range [][]config.Operation{nil, {config.Created}, {config.Updated, config.Restored}, {config.Deleted}, {}} {
					q := eventstore.Back{Before: head + 1, Names: names, Prefix: prefix, Actor: actor, Operations: operations}
					all = append(all, q)
				}
			}
		}
	}
	return all
}

func readBackSelected(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	backHistory(w)
	head := w.written.head().Seq
	for i, q := range someBacks(head) {
		q.Examine = []int{0, 3, 7}[i%3]
		mustReadBack(w, q, eventstore.Limit{Records: []int{0, 1, 3}[i/3%3]})
		q.After, q.Before = eventstore.Seq(i%int(head)), 1+eventstore.Seq(i*7%int(head))
		mustReadBack(w, q, eventstore.Limit{})
	}
}

// mustReadBack reads all pages of q.
func mustReadBack(w *writer, q eventstore.Back, limit eventstore.Limit) {
	w.t.Helper()
	what, want := fmt.Sprintf("ReadBack(%+v, %+v)", q, limit), w.written.readBack(q)
	var got []eventstore.Record
	for q.Before > q.After+1 {
		page, end, err := w.store.ReadBack(w.t.Context(), w.written.head(), q, limit)
		if err != nil {
			w.t.Fatalf("%s: %v", what, err)
		}
		if end > max(q.After+1, q.Before-1) || end <= q.After {
			w.t.Fatalf("%s before %d: it ends at %d", what, q.Before, end)
		}
		if n := len(page); n > limit.WithDefaults().Records || n > 0 && page[n-1].Seq < end {
			w.t.Fatalf("%s before %d: a page of %d records ends at %d", what, q.Before, n, end)
		}
		if examine := q.Examine; examine > 0 && q.Names == nil && q.Actor == nil && int(q.Before-end) > examine {
			w.t.Fatalf("%s: a page from %d to %d examines more", what, q.Before, end)
		}
		got = append(got, page...)
		q.Before = end
	}
	mustEqual(w.t, what, got, want)
}

func readBackBounded(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	ann, bob := "ann", "bob"
	for i := range 4 {
		batch := w.drafts("x", "a", "x", "x", "a", "x")
		for j := range batch {
			batch[j].Actor = &bob
			if i == 0 {
				batch[j].Actor = &ann
			}
		}
		w.append(batch...)
	}
	head := w.written.head()
	created := []config.Operation{config.Created}
	for _, test := range []struct {
		q    eventstore.Back
		want eventstore.Seq // the end of the first page
	}{
		{eventstore.Back{Operations: created}, head.Seq - 4},
		{eventstore.Back{Prefix: "b"}, head.Seq - 4},
		{eventstore.Back{Actor: &bob, Operations: created}, head.Seq - 4},
		{eventstore.Back{Actor: &ann, Operations: created}, 2},           // ann is at 1 to 6
		{eventstore.Back{Names: []string{"a"}, Operations: created}, 11}, // a is at 2, 5, 8, 11, …
		{eventstore.Back{Names: []string{"a"}, Actor: &ann}, 11},
	} {
		test.q.Before, test.q.Examine = head.Seq+1, 5
		_, end, err := w.store.ReadBack(t.Context(), head, test.q, eventstore.Limit{})
		if err != nil || end != test.want {
			t.Errorf("%+v: the first page ends at %d, %v, want %d", test.q, end, err, test.want)
		}
	}
}

func readBackManyVersions(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	for i := range 3 {
		w.write(append(slices.Repeat([]string{"hot"}, 70+i), "cold", "hot")...)
	}
	head := w.written.head()
	for before := eventstore.Seq(1); before <= head.Seq+1; before += 3 {
		for _, names := range [][]string{{"hot"}, {"cold", "hot"}} {
			q := eventstore.Back{Before: before, Names: names}
			got, _, err := w.store.ReadBack(t.Context(), head, q, eventstore.Limit{Records: 5})
			if err != nil {
				t.Fatal(err)
			}
			want := w.written.readBack(q)
			mustEqual(t, fmt.Sprintf("ReadBack(%+v)", q), got, want[:min(5, len(want))])
		}
	}
}

func readHeadsOfSeqs(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	someHistory(w, "a", "b", "c")
	n := eventstore.Seq(len(w.written))
	for _, seqs := range [][]eventstore.Seq{nil, {1}, {n}, {3, 1, 2}, {n, 7, n + 1, 0, -1, 5}} {
		got, err := w.store.ReadHeads(t.Context(), w.written.head(), seqs)
		if err != nil {
			t.Fatal(err)
		}
		var want []eventstore.Head
		for _, seq := range seqs {
			if seq >= 1 && seq <= n {
				want = append(want, w.written[:seq].head())
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("ReadHeads(%d): got %v, want %v", seqs, got, want)
		}
	}
}

func readNamesBetween(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	someHistory(w, "b", "a", "a/b", "B", "$a", "_")
	n := eventstore.Seq(len(w.written))
	for after := range n + 2 {
		for _, upTo := range []eventstore.Seq{0, after, after + 1, after + 5, n, n + 7} {
			got, err := w.store.ReadNames(t.Context(), w.written.head(), after, upTo)
			if err != nil {
				t.Fatal(err)
			}
			if want := w.written.readNames(after, upTo); !slices.Equal(got, want) {
				t.Fatalf("ReadNames(%d, %d): got %q, want %q", after, upTo, got, want)
			}
		}
	}
}

// readBack returns all that q selects.
func (m model) readBack(q eventstore.Back) []eventstore.Record {
	back := slices.Clone(m)
	slices.Reverse(back)
	return back.filter(len(m), func(r eventstore.Record) bool {
		operation := map[string]config.Operation{
			"ConfigValueSet": config.Updated, "ConfigValueDeleted": config.Deleted, "ConfigValueRestored": config.Restored,
		}[r.Type]
		if r.Type == "ConfigValueSet" && r.Version == 1 {
			operation = config.Created
		}
		switch {
		case r.Seq <= q.After || r.Seq >= q.Before || r.Name[0] == '$':
			return false
		case q.Names != nil && !slices.Contains(q.Names, r.Name):
			return false
		case q.Prefix != "" && r.Name != q.Prefix && !strings.HasPrefix(r.Name, q.Prefix+"/"):
			return false
		case q.Actor != nil && (r.Actor == nil || *r.Actor != *q.Actor):
			return false
		}
		return q.Operations == nil || slices.Contains(q.Operations, operation)
	})
}

func (m model) readNames(after, upTo eventstore.Seq) []string {
	between := m.filter(len(m), func(r eventstore.Record) bool { return r.Seq > after && r.Seq <= upTo })
	names := namesOf(between)
	slices.Sort(names)
	return slices.Compact(names)
}
