package content_test

import (
	"testing"

	"configapi/internal/content"
)

func TestAccept(t *testing.T) {
	type preference = content.Preference
	text := []string{"text/plain", "text/*", "*/*"}
	for _, row := range []struct {
		accept []string
		want   preference
	}{
		{nil, preference{Range: 3}},
		{[]string{""}, preference{Range: 3}},
		{[]string{"text/plain"}, preference{Quality: 1}},
		{[]string{"Text/Plain; charset=utf-8"}, preference{Quality: 1}},
		{[]string{"text/html"}, preference{Range: 3}},
		{[]string{"*/*"}, preference{Quality: 1, Range: 2}},
		{[]string{"text/html, */*;q=0.1, text/*;q=0.5"}, preference{Quality: 0.5, Range: 1, Place: 2}},
		{[]string{"*/*", "text/plain;q=0.2"}, preference{Quality: 0.2, Place: 1}},
		{[]string{"*/*, text/plain;q=0"}, preference{Place: 1}},
		{[]string{"text/plain;q=0.1, text/plain;q=0.9, text/plain;q=0.4"}, preference{Quality: 0.9, Place: 1}},
		{[]string{`text/html;x="a,text/plain", */*;q=0.3`}, preference{Quality: 0.3, Range: 2, Place: 1}},
		{[]string{`text/html;x="\",text/plain"`}, preference{Range: 3}},

		// A range that cannot be read is left out, a quality that cannot be read counts as 1.
		{[]string{";;;, text/plain"}, preference{Quality: 1}},
		{[]string{"text/plain;q=2"}, preference{Quality: 1}},
		{[]string{"text/plain;q=-1"}, preference{Quality: 1}},
		{[]string{"text/plain;q=NaN"}, preference{Quality: 1}},
		{[]string{"text/plain;q=often, */*;q=0.3"}, preference{Quality: 1}},
	} {
		if got := content.ParseAccept(row.accept).Of(text...); got != row.want {
			t.Errorf("Accept %q: got %+v, want %+v", row.accept, got, row.want)
		}
	}
}

// FuzzAccept shows that any header has a quality from 0 to 1, and that a header of two lines is the
// list of both.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"", "text/plain", "text/*;q=0.5, */*;q=0.1", `a/b;x="`, ";;;", "text/plain;q=NaN", "text/plain;q=1e-400"} {
		f.Add(seed, "*/*;q=0.3")
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		text := []string{"text/plain", "text/*", "*/*"}
		first, second := content.ParseAccept([]string{one}).Of(text...), content.ParseAccept([]string{two}).Of(text...)
		both := content.ParseAccept([]string{one, two}).Of(text...)
		for _, p := range []content.Preference{first, second, both} {
			if !(0 <= p.Quality && p.Quality <= 1) || p.Range < 0 || p.Range > len(text) || p.Place < 0 {
				t.Errorf("Accept %q, %q: got %+v", one, two, p)
			}
		}
		if want := min(first.Range, second.Range); both.Range != want {
			t.Errorf("Accept %q, %q: range %d decides, want %d", one, two, both.Range, want)
		}
	})
}
