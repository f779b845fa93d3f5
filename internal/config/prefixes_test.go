package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/config"
)

func TestBelow(t *testing.T) {
	for _, test := range []struct{ prefixes, want []string }{
		{nil, nil},
		{[]string{""}, []string{""}},
		{[]string{"a", ""}, []string{""}},
		{[]string{"b", "a/", "b"}, []string{"a", "b"}},
		{[]string{"a/b", "a", "a-b", "ab"}, []string{"a", "a-b", "ab"}},
		{[]string{"a/b/c", "a/b", "a/c"}, []string{"a/b", "a/c"}},
	} {
		if got := config.Below(test.prefixes...).Texts(); !slices.Equal(got, test.want) {
			t.Errorf("Below(%q) has %q, want %q", test.prefixes, got, test.want)
		}
	}
}

func TestCheckPrefix(t *testing.T) {
	for text, valid := range map[string]bool{"": true, "a": true, "a/": true, "a/b": true, "/": false, "a//": false, "/a": false, "ä": false, "..": false} {
		if err := config.CheckPrefix(text); (err == nil) != valid {
			t.Errorf("CheckPrefix(%q): got %v", text, err)
		}
	}
}

// drawPrefixes draws a set of prefixes of up to three segments, between which others sort.
func drawPrefixes(rt *rapid.T, label string) []string {
	return rapid.SliceOfN(rapid.SampledFrom([]string{"", "a", "a/b", "a/b/c", "a-b", "a/bc", "ab", "b", "b/a", "b/a/c", "c"}), 0, 5).Draw(rt, label)
}

// TestWithin has a filter within sets select what both select, and what is known of it be right.
func TestWithin(t *testing.T) {
	names := []config.Name{}
	for _, text := range []string{"a", "a/b", "a/b/c", "a/b/c/d", "a-b", "a-b/c", "a/bc", "ab", "b", "b/a", "b/a/c", "b/c", "c", "d"} {
		names = append(names, name(text))
	}
	rapid.Check(t, func(rt *rapid.T) {
		var listed []string
		if rapid.Bool().Draw(rt, "names are listed") {
			listed = rapid.SliceOf(rapid.SampledFrom([]string{"a", "a/b", "b/a/c", "d"})).Draw(rt, "names")
		}
		whole, err := config.ParseFilter(rapid.SampledFrom([]string{"", "a", "a/b", "b"}).Draw(rt, "prefix"), listed)
		if err != nil {
			rt.Fatal(err)
		}
		first, second := config.Below(drawPrefixes(rt, "first")...), config.Below(drawPrefixes(rt, "second")...)
		cut := whole.Within(first).Within(second)
		for _, n := range names {
			want := whole.Matches(n) && first.Has(n) && second.Has(n)
			if got := cut.Matches(n); got != want {
				rt.Errorf("%v within %q and %q selects %s: %t", whole, first.Texts(), second.Texts(), n, got)
			}
			if want && !cut.Prefixes().Has(n) {
				rt.Errorf("%v within %q and %q has prefixes %q without %s", whole, first.Texts(), second.Texts(), cut.Prefixes().Texts(), n)
			}
		}
		if got := inParts(cut.Prefixes(), names); !slices.Equal(got, selected(cut.Prefixes(), names)) {
			rt.Errorf("the parts of %q have, in this order, %v", cut.Prefixes().Texts(), got)
		}
		other := whole.Within(second).Within(first).Within(first)
		if cut.Key() != other.Key() {
			rt.Errorf("within %q and %q: got the keys %s and %s", first.Texts(), second.Texts(), cut.Key(), other.Key())
		}
		for _, n := range names {
			if less := cut.Within(config.Below("a")); cut.Matches(n) != less.Matches(n) && cut.Key() == less.Key() {
				rt.Errorf("two filters have the key %s, one of which selects %s", cut.Key(), n)
			}
		}
		if all := cut.Within(config.Below("")); !slices.Equal(all.Prefixes().Texts(), cut.Prefixes().Texts()) {
			rt.Errorf("within all names: got %q, want %q", all.Prefixes().Texts(), cut.Prefixes().Texts())
		}
	})
}

// inParts returns the names in the order of a set's parts.
func inParts(set config.Prefixes, names []config.Name) (found []config.Name) {
	if set.All() {
		return selected(set, names)
	}
	sorted := selected(config.Below(""), names)
	set.Parts(func(prefix string, below bool) bool {
		for _, n := range sorted {
			if below && strings.HasPrefix(n.String(), prefix+"/") || !below && n.String() == prefix {
				found = append(found, n)
			}
		}
		return true
	})
	return found
}

// selected returns the names of a set, in byte order.
func selected(set config.Prefixes, names []config.Name) (found []config.Name) {
	for _, n := range names {
		if set.Has(n) {
			found = append(found, n)
		}
	}
	slices.SortFunc(found, config.Name.Compare)
	return found
}

// TestPartsEnd has the parts of a set end when yield returns false, after each of them.
func TestPartsEnd(t *testing.T) {
	set := config.Below("a", "a-b", "a-b-c", "a/b", "b")
	want := []string{"a", "a-b", "a-b-c", "a-b-c/", "a-b/", "a/", "b", "b/"}
	for n := range len(want) + 1 {
		var got []string
		for prefix, below := range set.Parts {
			if below {
				prefix += "/"
			}
			if got = append(got, prefix); len(got) >= n {
				break
			}
		}
		if !slices.Equal(got, want[:max(n, 1)]) {
			t.Errorf("got %q, want the first %d of %q", got, n, want)
		}
	}
}

// TestKeyOfManyPrefixes shows that the key of a filter stays short however many prefixes it has,
// and that filters which differ at the end have different keys. Each stream keeps one.
func TestKeyOfManyPrefixes(t *testing.T) {
	prefixes := make([]string, 50)
	for i := range prefixes {
		prefixes[i] = fmt.Sprintf("%02d/%s", i, strings.Repeat("x", config.MaxNameBytes-3))
	}
	all := config.Filter{}.Within(config.Below(prefixes...)).Key()
	less := config.Filter{}.Within(config.Below(prefixes[:49]...)).Key()
	if all == less || len(all) != len(less) || len(all) > 64 {
		t.Errorf("got the keys %q of 50 prefixes and %q of 49, want two of 64 bytes", all, less)
	}
}
