package main

import (
	"strings"

	"configapi/test/reports"
)

// document collects Markdown, blocks with an empty line between them.
type document struct{ text strings.Builder }

func (d *document) line(text string) {
	if d.text.Len() > 0 {
		d.text.WriteString("\n")
	}
	d.text.WriteString(text + "\n")
}

func (d *document) table(t reports.Table) { d.line(strings.TrimSuffix(t.String(), "\n")) }
