package clientcmd

import (
	"strings"
	"testing"
)

// TestTableFits writes a table in two parts to terminals of several widths: no line is longer.
func TestTableFits(t *testing.T) {
	for _, most := range []int{20, 40, 80, 160} {
		tab := &table{heading: []string{"NAME", "VERSION", "CHANGED", "BY", "VALUE"}, elastic: []int{0, 3, 4}}
		var out strings.Builder
		for _, value := range []string{"漢字かな", strings.Repeat("é", 300)} {
			tab.add("payments/timeout", "1", "2026-11-29T08:45:56Z", "-", value)
			if err := tab.write(&out, most); err != nil {
				t.Fatal(err)
			}
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], "NAME") {
			t.Errorf("got %q, want the heading once and two lines", lines)
		}
		for _, line := range lines {
			if columns(line) > most {
				t.Errorf("%d: got %q of %d columns", most, line, columns(line))
			}
		}
	}
}
