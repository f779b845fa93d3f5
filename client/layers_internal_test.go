package client

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"configapi/client/rest"
)

// TestLayersAgreeWithAMap makes random change sets, and compares each state with that of maps.
func TestLayersAgreeWithAMap(t *testing.T) {
	prefixes := []string{"base", "prod", "prod/eu"}
	o := &Options{Layers: prefixes}
	l := newLayers(o, make([][]*Config, len(prefixes)))
	model := map[string]string{} // :: whole name → value
	position := 0
	for range 2000 {
		var set []rest.Revision
		for range 1 + rand.IntN(5) {
			position++
			name := fmt.Sprintf("%s/n%d", prefixes[rand.IntN(len(prefixes))], rand.IntN(300))
			r := rest.Revision{Name: name, Operation: deleted, Position: fmt.Sprintf("%d-00000000", position)}
			delete(model, name)
			if rand.IntN(3) > 0 {
				value := strconv.Itoa(position)
				r.Operation, r.Value = "UPDATED", &value
				model[name] = value
			}
			set = append(set, r)
		}
		l, _ = l.with(set)
		want, size := map[string]string{}, int64(0)
		for _, prefix := range prefixes {
			for name, value := range model {
				if in, is := nameIn(prefix, name, true); is {
					want[in] = value
					size += int64(len(in) + len(value))
				}
			}
		}
		got := map[string]string{}
		var names []string
		for c := range l.merged.all() {
			got[c.Name] = c.Value
			names = append(names, c.Name)
			if l.merged.lookup(c.Name) != c {
				t.Fatalf("%s is not found", c.Name)
			}
		}
		if !maps.Equal(got, want) || !slices.IsSorted(names) || l.bytes() != size {
			t.Fatalf("at %d: got %d configs of %d bytes, want %d of %d", position, len(got), l.bytes(), len(want), size)
		}
	}
}

func TestCommon(t *testing.T) {
	for want, prefixes := range map[string][]string{
		"": {"a", "b"}, "a": {"a", "a/b"}, "a/b": {"a/b/c", "a/b/d"}, "x": {"x/ab", "x/a"}, "one": {"one"},
	} {
		if got := common(prefixes); got != want {
			t.Errorf("%q: got %q, want %q", prefixes, got, want)
		}
	}
}
