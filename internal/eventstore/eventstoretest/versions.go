package eventstoretest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"configapi/internal/eventstore"
)

var versionLaws = []law{
	{"ReadVersions and LookUp return versions in the order asked", readVersionsInOrder},
	{"ReadVersions and LookUp take as many versions as they promise", readManyVersions},
	{"ReadVersions and LookUp end a page where its limit says", endVersionPages},
	{"records keep what they revert, and that their data was erased", keepRevertedAndErased},
}

// versionReads are the two methods that read versions.
func versionReads(ctx context.Context, w *writer) map[string]func([]eventstore.VersionOf, eventstore.Limit) ([]eventstore.Record, error) {
	return map[string]func([]eventstore.VersionOf, eventstore.Limit) ([]eventstore.Record, error){
		"ReadVersions": func(versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
			return w.store.ReadVersions(ctx, w.written.head(), versions, limit)
		},
		"LookUp": func(versions []eventstore.VersionOf, limit eventstore.Limit) ([]eventstore.Record, error) {
			return w.store.LookUp(ctx, versions, limit)
		},
	}
}

func mustReadVersions(t *testing.T, w *writer, versions []eventstore.VersionOf) {
	t.Helper()
	want := w.written.readVersions(versions)
	for name, read := range versionReads(t.Context(), w) {
		for _, limit := range []int{0, 1, 2, len(want), len(want) + 1} {
			got, err := read(versions, eventstore.Limit{Records: limit})
			if err != nil {
				t.Fatal(err)
			}
			first := want[:min(eventstore.Limit{Records: limit}.WithDefaults().Records, len(want))]
			mustEqual(t, fmt.Sprintf("%s(%.60v, %d)", name, versions, limit), got, first)
		}
	}
}

func readVersionsInOrder(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	someHistory(w, "b", "a", "c/d", `q"'\`, "é")
	var all []eventstore.VersionOf
	for _, name := range []string{"é", "a", "never", "b", `q"'\`, "c/d", "A"} {
		for version := range w.versions[name] + 2 {
			all = append(all, eventstore.VersionOf{Name: name, Version: version})
		}
	}
	mustReadVersions(t, w, nil)
	mustReadVersions(t, w, all)
	slices.Reverse(all)
	mustReadVersions(t, w, all)
	for i := range all {
		mustReadVersions(t, w, all[i:min(i+3, len(all))])
	}
	for shift := range 3 { // right hints, and wrong ones
		for i, v := range all {
			all[i].Next = 0
			if next := w.written.readVersions([]eventstore.VersionOf{{Name: v.Name, Version: v.Version + 1}}); len(next) > 0 {
				all[i].Next = next[0].Seq + eventstore.Seq(shift)
			}
		}
		mustReadVersions(t, w, all)
	}
}

func readManyVersions(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	names := make([]string, 3)
	for i := range names {
		names[i] = fmt.Sprintf("%d/%s", i, strings.Repeat("n", 253))
	}
	for range 2 {
		w.write(slices.Concat(slices.Repeat(names, 60), names[:1])...)
	}
	var asked []eventstore.VersionOf
	for i := range eventstore.MaxAsOfNames {
		asked = append(asked, eventstore.VersionOf{Name: names[i%3], Version: 170 - i/3})
	}
	mustReadVersions(t, w, asked)
}

func endVersionPages(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	const most = 50_000
	for i, size := range []int{most + 1, 10, most / 2, most / 2, 10} {
		r := draft(fmt.Sprint("name", i), 1)
		r.Data = strings.Repeat("d", size)
		w.append(r)
	}
	for _, read := range versionReads(t.Context(), w) {
		for _, limit := range []eventstore.Limit{{Bytes: most}, {Records: 2}, {Records: 100, Bytes: most + 10}, {Bytes: 11}, {Bytes: 1}} {
			mustBePaged(t, w.written, limit, func(after eventstore.Record) ([]eventstore.Record, error) {
				var rest []eventstore.VersionOf
				for _, r := range w.written[after.Seq:] {
					rest = append(rest, eventstore.VersionOf{Name: r.Name, Version: r.Version})
				}
				return read(rest, limit)
			})
		}
	}
}

// keepRevertedAndErased writes records as a copy of another history has them.
func keepRevertedAndErased(t *testing.T, open func() eventstore.Store) {
	w := newWriter(t, open())
	records := w.drafts("a", "b", "a", "b")
	records[1].Reverts = &eventstore.Position{Seq: 1, Prefix: [4]byte{0, 1, 0xfe, 0xff}}
	records[2].Reverts = new(eventstore.Position)
	seal(eventstore.Head{}, records)
	for _, i := range []int{0, 2} {
		records[i].Data, records[i].SaltWhat, records[i].Erased = "", eventstore.Salt{}, true
	}
	if err := w.store.Append(t.Context(), eventstore.Head{}, records); err != nil {
		t.Fatal(err)
	}
	w.written = records
	mustHold(t, w.store, w.written)
	mustHold(t, open(), w.written)
	mustReadAsOf(t, w, 3, []string{"a", "b"})
	for n := range records {
		got, err := w.store.ReadInstant(t.Context(), w.written.head(), records[n].RecordedAt)
		if err != nil {
			t.Fatal(err)
		}
		mustEqual(t, "ReadInstant", []eventstore.Record{got}, withoutData(records[n:n+1]))
	}
	mustReadVersions(t, w, []eventstore.VersionOf{{Name: "a", Version: 2}, {Name: "b", Version: 2}, {Name: "a", Version: 1}})
}
