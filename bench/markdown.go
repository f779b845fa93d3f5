package main

import (
	"strings"
	"unicode/utf8"
)

// document collects Markdown, blocks with an empty line between them.
type document struct{ text strings.Builder }

func (d *document) line(text string) {
	if d.text.Len() > 0 {
		d.text.WriteString("\n")
	}
	d.text.WriteString(text + "\n")
}

// table is a table whose columns are padded, so that it reads well as text too.
type table struct {
	head []string
	rows [][]string
}

// add adds a row, as many cells as the head has.
func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (d *document) table(t table) {
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	rule := make([]string, len(t.head))
	for i, width := range widths {
		rule[i] = strings.Repeat("-", max(width, 3))
	}
	lines := []string{tableLine(t.head, widths), tableLine(rule, widths)}
	for _, row := range t.rows {
		lines = append(lines, tableLine(row, widths))
	}
	d.line(strings.Join(lines, "\n"))
}

// tableLine is one row, each cell as wide as its column.
func tableLine(cells []string, widths []int) string {
	var b strings.Builder
	b.WriteString("|")
	for i, text := range cells {
		b.WriteString(" " + text + strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(text), 0)) + " |")
	}
	return b.String()
}
