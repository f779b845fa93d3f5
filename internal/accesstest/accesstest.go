// Package accesstest helps tests to compare the entry points of a package with docs/access.md, the
// page that says what right each of them takes and what it hides.
package accesstest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Row is what the page says about an entry point.
type Row struct {
	Takes []string // actions such as READ; nil: none
}

// May reports whether the entry point takes an action.
func (r Row) May(action string) bool { return slices.Contains(r.Takes, action) }

// Check fails the test for each entry point that a section of the page has no row for, for each row
// without an entry point, and for each row that does not say what the entry point takes and hides.
// It returns the rows by entry point.
func Check(t testing.TB, section string, entries []string) map[string]Row {
	t.Helper()
	rows := Read(t, section)
	for _, entry := range entries {
		if _, known := rows[entry]; !known {
			t.Errorf("docs/access.md, %s, has no row for %s: say what right it takes and what it hides", section, entry)
		}
	}
	for entry := range rows {
		if !slices.Contains(entries, entry) {
			t.Errorf("docs/access.md, %s, has a row for %s, which is not there", section, entry)
		}
	}
	return rows
}

// Read returns the rows of a section of the page by entry point.
func Read(t testing.TB, section string) map[string]Row {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root(t), "docs", "access.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+section+"\n")
	if !found {
		t.Fatalf("docs/access.md has no section %s", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := make(map[string]Row)
	for line := range strings.SplitSeq(text, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		entry, takes, hides := strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		if _, twice := rows[entry]; twice {
			t.Errorf("docs/access.md, %s, has two rows for %s", section, entry)
		}
		var row Row
		if takes != "nothing" {
			row.Takes = strings.Split(takes, ", ")
		}
		for _, action := range row.Takes {
			if action != "READ" && action != "WRITE" && action != "ADMIN" {
				t.Errorf("docs/access.md, %s, %s: %q is no action", section, entry, action)
			}
		}
		if hides == "" {
			t.Errorf("docs/access.md, %s, %s does not say what the entry point hides", section, entry)
		}
		rows[entry] = row
	}
	return rows
}

// root returns the folder of the module.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		above := filepath.Dir(dir)
		if above == dir {
			t.Fatal("the test runs outside of the tree")
		}
		dir = above
	}
}
