package config_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"configapi/internal/config"
)

func TestFilterMatches(t *testing.T) {
	all := []string{"payments", "payments/timeout", "payments/eu/retries", "payments2", "payment", "Payments", "search/payments"}
	for _, test := range []struct {
		prefix string
		names  []string
		want   []string
	}{
		{"", nil, all},
		{"payments", nil, []string{"payments", "payments/timeout", "payments/eu/retries"}},
		{"payments/", nil, []string{"payments", "payments/timeout", "payments/eu/retries"}},
		{"payments/eu", nil, []string{"payments/eu/retries"}},
		{"payments/e", nil, nil},
		{"payment", nil, []string{"payment"}},
		{"nothing", nil, nil},

		{"", []string{}, nil},
		{"", []string{"payment"}, []string{"payment"}},
		{"", []string{"payments"}, []string{"payments"}},
		{"", []string{"payments2", "nothing", "payments2", "payments"}, []string{"payments", "payments2"}},

		{"payments", []string{"payments2", "payments/timeout"}, []string{"payments/timeout"}},
		{"payments", []string{"payments2"}, nil},
		{"payments", []string{}, nil},
	} {
		filter, err := config.ParseFilter(test.prefix, test.names)
		if err != nil {
			t.Errorf("ParseFilter(%q, %q): %v", test.prefix, test.names, err)
			continue
		}
		wanted := map[string]bool{}
		for _, text := range test.want {
			wanted[text] = true
		}
		for _, text := range all {
			if got := filter.Matches(name(text)); got != wanted[text] {
				t.Errorf("prefix %q, names %q: Matches(%q) = %t", test.prefix, test.names, text, got)
			}
		}
		if got, want := filter.Prefix(), strings.TrimSuffix(test.prefix, "/"); got != want {
			t.Errorf("prefix %q: Prefix() = %q, want %q", test.prefix, got, want)
		}
		if got, want := filter.All(), test.prefix == "" && test.names == nil; got != want {
			t.Errorf("prefix %q, names %q: All() = %t", test.prefix, test.names, got)
		}
	}
}

func TestZeroFilterSelectsAll(t *testing.T) {
	if filter := (config.Filter{}); !filter.All() || !filter.Matches(name("payments")) || filter.Prefix() != "" {
		t.Errorf("got %+v", filter)
	}
}

func TestParseFilterRefuses(t *testing.T) {
	long := strings.Repeat("p", 256)
	for _, test := range []struct {
		prefix string
		names  []string
		field  string
		rule   string
	}{
		{"/", nil, "prefix", nameEmpty},
		{"/a", nil, "prefix", nameSegments},
		{"//", nil, "prefix", nameSegments},
		{"a//", nil, "prefix", nameSegments},
		{"a//b", nil, "prefix", nameSegments},
		{".", nil, "prefix", nameDots},
		{"..", nil, "prefix", nameDots},
		{"../", nil, "prefix", nameDots},
		{"a/..", nil, "prefix", nameDots},
		{"a*", nil, "prefix", nameCharacters},
		{"a%", nil, "prefix", nameCharacters},
		{"\x00", nil, "prefix", nameCharacters},
		{long, nil, "prefix", "has 256 bytes; at most 255 are allowed"},

		{"", []string{""}, "names[0]", nameEmpty},
		{"", []string{"a", "b/"}, "names[1]", nameSegments},
		{"", []string{"a", "b", "é"}, "names[2]", nameCharacters},
		{"", []string{long}, "names[0]", "has 256 bytes; at most 255 are allowed"},
		{"", manyNames(101), "names", "has 101 names; at most 100 are allowed"},
		{"", make([]string, 101), "names", "has 101 names; at most 100 are allowed"},

		{"/a", []string{""}, "prefix", nameSegments},
	} {
		_, err := config.ParseFilter(test.prefix, test.names)
		mustBreakRule(t, err, test.field, test.rule)
	}
}

func TestParseFilterAtItsLimits(t *testing.T) {
	filter, err := config.ParseFilter(strings.Repeat("p", 255)+"/", manyNames(config.MaxFilterNames))
	if err != nil {
		t.Fatal(err)
	}
	if filter.Matches(name("n99")) {
		t.Error("a name outside the prefix was selected")
	}
}

// FuzzParseFilter checks that a filter selects exactly the names that its documentation says.
func FuzzParseFilter(f *testing.F) {
	f.Add("", "", "a", false)
	f.Add("payments", "payments/timeout", "payments/timeout", true)
	f.Add("payments/", "payments2", "payments", false)
	f.Add("a//", "a", "a", true)
	f.Fuzz(func(t *testing.T, prefix, listed, candidate string, withNames bool) {
		var names []string
		if withNames {
			names = []string{listed}
		}
		filter, err := config.ParseFilter(prefix, names)
		if err != nil {
			mustBeRefusedAsNames(t, prefix, names)
			return
		}
		n, err := config.ParseName(candidate)
		if err != nil {
			return
		}
		within := prefix == "" || strings.HasPrefix(candidate+"/", strings.TrimSuffix(prefix, "/")+"/")
		if got, want := filter.Matches(n), within && (!withNames || listed == candidate); got != want {
			t.Errorf("prefix %q, names %q: Matches(%q) = %t, want %t", prefix, names, candidate, got, want)
		}
	})
}

// mustBeRefusedAsNames checks that at least one of the names is invalid.
func mustBeRefusedAsNames(t *testing.T, prefix string, names []string) {
	t.Helper()
	if prefix != "" {
		names = append(names, strings.TrimSuffix(prefix, "/"))
	}
	for _, text := range names {
		if _, err := config.ParseName(text); err != nil {
			return
		}
	}
	t.Errorf("a filter of names alone, %q, was refused", names)
}

func manyNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("n%d", i)
	}
	return names
}

func TestFilterContaining(t *testing.T) {
	for _, test := range []struct {
		prefix, part string
		matches, not []string
	}{
		{"", "time", []string{"time", "timeout", "a/Timeout", "A/TIME"}, []string{"tim", "ti/me"}},
		{"", "TIMe", []string{"timeout", "TIMEOUT"}, []string{"tim"}},
		{"", "s/t", []string{"payments/timeout", "PAYMENTS/TIMEOUT"}, []string{"st"}},
		{"", "@[`{", nil, []string{"a"}}, // the bytes beside the letters
		{"", "é", nil, []string{"e"}},
		{"", strings.Repeat("a", config.MaxNameBytes), []string{strings.Repeat("A", config.MaxNameBytes)}, []string{"a"}},
		{"a", "b", []string{"a/b", "a/c/B"}, []string{"b", "a", "ab"}},
	} {
		filter, err := config.ParseFilter(test.prefix, nil)
		if err != nil {
			t.Fatal(err)
		}
		with, err := filter.Containing(test.part)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(test.matches, test.not...) {
			n, err := config.ParseName(name)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := with.Matches(n), slices.Contains(test.matches, name); got != want {
				t.Errorf("prefix %q, part %q: Matches(%q) = %t, want %t", test.prefix, test.part, name, got, want)
			}
			if filter.Matches(n) != with.WithoutPart().Matches(n) {
				t.Errorf("prefix %q, part %q: %q without the part", test.prefix, test.part, name)
			}
		}
		if with.All() || with.Part() != strings.ToLower(test.part) {
			t.Errorf("part %q: selects all: %t, part %q", test.part, with.All(), with.Part())
		}
	}
	for part, want := range map[string]string{
		"":                       "contains is empty; leave it out to select all names",
		strings.Repeat("a", 256): "contains has 256 bytes; at most 255 are allowed",
	} {
		_, err := config.Filter{}.Containing(part)
		var invalid *config.InvalidError
		if !errors.As(err, &invalid) || err.Error() != want {
			t.Errorf("a part of %d bytes: got %v, want %q", len(part), err, want)
		}
	}
}

// TestAmong shows that a filter can select any number of names, and none.
func TestAmong(t *testing.T) {
	some := config.Among([]config.Name{name("b"), name("a"), name("b")})
	if listed, _ := some.Names(); len(listed) != 2 || !some.Matches(name("a")) || !some.Matches(name("b")) || some.Matches(name("c")) {
		t.Errorf("among b, a and b: got %v", listed)
	}
	if none := config.Among(nil); none.All() || none.Matches(name("a")) {
		t.Error("among no names: the filter selects some")
	}
}
