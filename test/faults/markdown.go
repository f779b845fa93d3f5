package main

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// table is a Markdown table whose columns are padded, so that it reads well as text too.
type table struct {
	head []string
	rows [][]string
}

// add adds a row, as many cells as the head has.
func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) String() string {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text), 3)
		}
	}
	rule := make([]string, len(t.head))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	var b strings.Builder
	for _, row := range append([][]string{t.head, rule}, t.rows...) {
		b.WriteString("|")
		for i, text := range row {
			b.WriteString(" " + text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// The parts of docs/faults.md that are written by runs.
const (
	faultsSection  = "faults"
	mutantsSection = "mutants"
)

// replaceSection replaces what stands in a file between the two marks of a section.
func replaceSection(path, name, text string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+": begin -->\n", "<!-- "+name+": end -->"
	before, rest, found := strings.Cut(string(document), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no section %q", path, name)
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+text+"\n"+end+after), 0o644)
}
