// Package doorstest helps tests to compare the doors of a package with docs/doors.md, the page that
// says what right each of them takes and what it hides.
package doorstest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Row is what the page says about a door.
type Row struct {
	Takes []string // actions such as READ; nil: none
	Hides string
}

// May reports whether the door takes an action.
func (r Row) May(action string) bool { return slices.Contains(r.Takes, action) }

// Check fails the test for each door that a section of the page has no row for, for each row without
// a door, and for each row that does not say what the door takes and hides. It returns the rows.
func Check(t testing.TB, section string, doors []string) map[string]Row {
	t.Helper()
	rows := Read(t, section)
	for _, door := range doors {
		if _, known := rows[door]; !known {
			t.Errorf("docs/doors.md, %s, has no row for %s: say what right it takes and what it hides", section, door)
		}
	}
	for door := range rows {
		if !slices.Contains(doors, door) {
			t.Errorf("docs/doors.md, %s, has a row for %s, which is not there", section, door)
		}
	}
	return rows
}

// Read returns the rows of a section of the page by door.
func Read(t testing.TB, section string) map[string]Row {
	t.Helper()
	page, err := os.ReadFile(filepath.Join(root(t), "docs", "doors.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+section+"\n")
	if !found {
		t.Fatalf("docs/doors.md has no section %s", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := make(map[string]Row)
	for line := range strings.SplitSeq(text, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		door, takes, hides := strings.Trim(cells[1], " `"), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3])
		if _, twice := rows[door]; twice {
			t.Errorf("docs/doors.md, %s, has two rows for %s", section, door)
		}
		row := Row{Hides: hides}
		if takes != "nothing" {
			row.Takes = strings.Split(takes, ", ")
		}
		for _, action := range row.Takes {
			if action != "READ" && action != "WRITE" && action != "ADMIN" {
				t.Errorf("docs/doors.md, %s, %s: %q is no action", section, door, action)
			}
		}
		if hides == "" {
			t.Errorf("docs/doors.md, %s, %s does not say what the door hides", section, door)
		}
		rows[door] = row
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
