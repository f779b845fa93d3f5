// Package reports writes what the reports of benchmarks and of the suite of faults have in common:
// Markdown tables, and what there is to know about the machine.
package reports

import (
	"strings"
	"unicode/utf8"
)

// Table is a Markdown table whose columns are padded, so that it reads well as text too.
type Table struct {
	Head []string
	rows [][]string
}

// Add adds a row, as many cells as the head has.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// String is the table, each row a line.
func (t *Table) String() string {
	widths := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.rows...) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text), 3)
		}
	}
	rule := make([]string, len(t.Head))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", width)
	}
	var b strings.Builder
	for _, row := range append([][]string{t.Head, rule}, t.rows...) {
		b.WriteString("|")
		for i, text := range row {
			b.WriteString(" " + text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}
