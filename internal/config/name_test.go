package config_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"configapi/internal/config"
)

const (
	nameEmpty      = "is empty"
	nameCharacters = "may hold only letters, digits, and _ - . : /"
	nameSegments   = "has an empty segment: / may neither begin nor end it, nor follow another /"
	nameDots       = "has a segment that is . or .."
)

func TestParseName(t *testing.T) {
	for _, test := range []struct {
		text string
		rule string // the broken rule; "" for a valid name
	}{
		{"a", ""},
		{"payments", ""},
		{"payments/timeout", ""},
		{"Payments/EU-west_1/v2.0:retries", ""},
		{"7", ""},
		{"-", ""},
		{"_", ""},
		{":", ""},
		{"...", ""},
		{"a..b", ""},
		{".hidden", ""},
		{"a/..b/c.", ""},
		{"a/.../b", ""},
		{strings.Repeat("n", 255), ""},
		{strings.Repeat("n/", 127) + "n", ""},

		{"", nameEmpty},
		{strings.Repeat("n", 256), "has 256 bytes; at most 255 are allowed"},
		{strings.Repeat("é", 128), "has 256 bytes; at most 255 are allowed"},

		{"/", nameSegments},
		{"/a", nameSegments},
		{"a/", nameSegments},
		{"a//b", nameSegments},

		{".", nameDots},
		{"..", nameDots},
		{"./a", nameDots},
		{"../a", nameDots},
		{"a/./b", nameDots},
		{"a/../b", nameDots},
		{"a/.", nameDots},
		{"a/..", nameDots},

		{" ", nameCharacters},
		{"a b", nameCharacters},
		{"a\x00", nameCharacters},
		{"a\n", nameCharacters},
		{`a\b`, nameCharacters},
		{"a%2Fb", nameCharacters},
		{"é", nameCharacters},
		{"а", nameCharacters}, // Cyrillic
		{"a\u2215b", nameCharacters},
		{"\xff", nameCharacters},
		{"\ufeffa", nameCharacters},
		{"😀", nameCharacters},
	} {
		got, err := config.ParseName(test.text)
		switch {
		case test.rule != "":
			mustBreakRule(t, err, "name", test.rule)
			if got != (config.Name{}) {
				t.Errorf("ParseName(%q) = %q beside its error", test.text, got)
			}
		case err != nil || got.String() != test.text:
			t.Errorf("ParseName(%q) = %q, %v", test.text, got, err)
		}
	}
}

func TestParseNameOfEveryByte(t *testing.T) {
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/"
	for b := range 256 {
		text := "a" + string([]byte{byte(b)}) + "z"
		if _, err := config.ParseName(text); (err == nil) != strings.Contains(allowed, text[1:2]) {
			t.Errorf("ParseName(%q): %v", text, err)
		}
	}
}

func TestNameInJSON(t *testing.T) {
	got, err := json.Marshal(map[config.Name]config.Name{name("a/b"): name("c")})
	if err != nil || string(got) != `{"a/b":"c"}` {
		t.Errorf("got %s, %v", got, err)
	}
}

// FuzzParseName compares ParseName with the same rules written in another way.
func FuzzParseName(f *testing.F) {
	segments := regexp.MustCompile(`^[A-Za-z0-9_.:-]+(/[A-Za-z0-9_.:-]+)*$`)
	dots := regexp.MustCompile(`(^|/)\.\.?(/|$)`)
	for _, seed := range []string{"", "a", "payments/timeout", "a//b", "../a", "a/..", "é", "a\x00", strings.Repeat("n", 256)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want := len(text) <= 255 && segments.MatchString(text) && !dots.MatchString(text)
		got, err := config.ParseName(text)
		if (err == nil) != want || err == nil && got.String() != text {
			t.Errorf("ParseName(%q) = %q, %v; want a name: %t", text, got, err, want)
		}
		if invalid, is := errors.AsType[*config.InvalidError](err); err != nil && (!is || invalid.Field != "name" || got != (config.Name{})) {
			t.Errorf("ParseName(%q) = %q, %v", text, got, err)
		}
	})
}

func BenchmarkParseName(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := config.ParseName("payments/service/checkout/timeout"); err != nil {
			b.Fatal(err)
		}
	}
}

func TestChildOf(t *testing.T) {
	for _, test := range []struct {
		name, prefix, child, segment string // segment "": not below the prefix
	}{
		{"a", "", "a", "a"},
		{"a/b/c", "", "a", "a"},
		{"a/b/c", "a", "a/b", "b"},
		{"a/b/c", "a/b", "a/b/c", "c"},
		{"a/b/c", "a/b/c", "", ""},
		{"a-b/c", "a", "", ""},
		{"ab/c", "a", "", ""},
		{"b/c", "a", "", ""},
		{"a", "a/b", "", ""},
	} {
		name, err := config.ParseName(test.name)
		if err != nil {
			t.Fatal(err)
		}
		child, segment, ok := name.ChildOf(test.prefix)
		if child.String() != test.child || segment != test.segment || ok != (test.segment != "") {
			t.Errorf("%s below %q: got %q, %q, %t", test.name, test.prefix, child, segment, ok)
		}
	}
	if _, _, ok := (config.Name{}).ChildOf(""); ok {
		t.Error("the zero name is a child of the top")
	}
}
