package excerpt_test

import (
	"testing"
	"unicode/utf8"

	"configapi/internal/excerpt"
)

func TestOf(t *testing.T) {
	for _, row := range []struct {
		text, start, of string
		most            int
	}{
		{"", "", "", 0},
		{"a", "", "…", 0},
		{"abc", "abc", "abc", 3},
		{"abcd", "abc", "abc…", 3},
		{"aéb", "a", "a…", 2}, // é has two bytes
		{"aéb", "aé", "aé…", 3},
		{"🏃🏃", "", "…", 3},
		{"🏃🏃", "🏃", "🏃…", 7},
		{"\x80\x80\x80", "", "…", 2}, // no character begins here
	} {
		if got := excerpt.Start(row.text, row.most); got != row.start {
			t.Errorf("Start(%q, %d): got %q, want %q", row.text, row.most, got, row.start)
		}
		if got := excerpt.Of(row.text, row.most); got != row.of {
			t.Errorf("Of(%q, %d): got %q, want %q", row.text, row.most, got, row.of)
		}
	}
}

// FuzzStart shows that an excerpt is the beginning of the text, as long as it may be, and valid if
// the text is.
func FuzzStart(f *testing.F) {
	f.Add("aé🏃b", uint8(4))
	f.Fuzz(func(t *testing.T, text string, most uint8) {
		got := excerpt.Start(text, int(most))
		if got != text[:len(got)] || len(got) > int(most) || utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("Start(%q, %d): got %q", text, most, got)
		}
		if utf8.ValidString(text) && len(text) > int(most) && len(got)+utf8.UTFMax <= int(most) {
			t.Errorf("Start(%q, %d): got %q, which is too short", text, most, got)
		}
	})
}
