package clientcmd

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// table is a table for people: a heading and lines of cells, which are padded to columns. On a
// terminal, cells of the elastic columns are cut so that a line fits. Elsewhere nothing is cut,
// since a program may read it.
type table struct {
	heading []string
	elastic []int // the columns that are cut, such as that of values
	rows    [][]string

	bytes  int   // of rows
	widths []int // of the columns so far; nil: nothing was written
}

// A table that has more than one of these is written in parts. Columns do not become narrower from
// one part to the next.
const (
	partRows  = 1000
	partBytes = 1 << 20
)

// isFull reports whether the rows are to be written before others are added.
func (t *table) isFull() bool { return len(t.rows) >= partRows || t.bytes >= partBytes }

const (
	columnGap = 2
	// leastColumn is the width to which a column is cut at most.
	leastColumn = 10
	// leftOut is the width of a column that a terminal is too narrow for.
	leftOut = -1
)

// add adds a line. Cells are made printable.
func (t *table) add(cells ...string) {
	for i := range cells {
		cells[i] = printable(cells[i])
		t.bytes += len(cells[i])
	}
	t.rows = append(t.rows, cells)
}

// write writes the rows since the last time, and before the first ones the heading. most is the
// width of the terminal, 0 for none.
func (t *table) write(out io.Writer, most int) error {
	rows := t.rows
	if t.widths == nil {
		t.widths = make([]int, len(t.heading))
		rows = append([][]string{t.heading}, rows...)
	}
	for _, row := range rows {
		for i, cell := range row {
			t.widths[i] = max(t.widths[i], columns(cell))
		}
	}
	widths := slices.Clone(t.widths)
	if most > 0 {
		t.fit(widths, most)
	}
	t.rows, t.bytes = nil, 0
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if widths[i] == leftOut {
				continue
			}
			if i == len(row)-1 {
				line.WriteString(cut(cell, widths[i]))
				break
			}
			line.WriteString(pad(cut(cell, widths[i]), widths[i]+columnGap))
		}
		text := strings.TrimRight(line.String(), " ")
		if most > 0 { // a terminal may be narrower than the columns can be
			text = cut(text, most)
		}
		if _, err := io.WriteString(out, text+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// fit makes elastic columns narrower, the widest one first, until a line has at most so many
// columns, or all of them are as narrow as they get. Then the others are left out, the widest
// first.
func (t *table) fit(widths []int, most int) {
	total := columnGap * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for total > most {
		widest := -1
		for _, i := range t.elastic {
			if widths[i] > leastColumn && (widest < 0 || widths[i] > widths[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			if widest = t.widestFixed(widths); widest < 0 {
				return
			}
			total -= widths[widest] + columnGap
			widths[widest] = leftOut
			continue
		}
		widths[widest]--
		total--
	}
}

// widestFixed returns the widest column that is not elastic, -1 when all of these are left out.
func (t *table) widestFixed(widths []int) int {
	widest := -1
	for i, w := range widths {
		if w != leftOut && !slices.Contains(t.elastic, i) && (widest < 0 || w > widths[widest]) {
			widest = i
		}
	}
	return widest
}

// printable returns a text in one line that cannot drive a terminal: control characters and all
// else that is not visible is shown as an escape.
func printable(text string) string {
	isSafe := func(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }
	if strings.IndexFunc(text, func(r rune) bool { return !isSafe(r) }) < 0 {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if isSafe(r) {
			out.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRuneToASCII(r)
		out.WriteString(quoted[1 : len(quoted)-1])
	}
	return out.String()
}

// harmless returns a value for a terminal: lines and tabs stay, and all else that [printable]
// escapes is escaped. It ends with a line feed.
func harmless(value string) string {
	var out strings.Builder
	for _, line := range strings.SplitAfter(value, "\n") {
		text, ended := strings.CutSuffix(line, "\n")
		fields := strings.Split(text, "\t")
		for i := range fields {
			fields[i] = printable(fields[i])
		}
		out.WriteString(strings.Join(fields, "\t"))
		if ended {
			out.WriteByte('\n')
		}
	}
	if !strings.HasSuffix(value, "\n") {
		out.WriteByte('\n')
	}
	return out.String()
}

// columns returns how many columns of a terminal a printable text has.
func columns(text string) (n int) {
	for _, r := range text {
		n += columnsOf(r)
	}
	return n
}

func columnsOf(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// cut returns a printable text cut to so many columns, with … where it was cut.
func cut(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	n := 0
	for i, r := range text {
		if n += columnsOf(r); n > most-1 {
			return text[:i] + "…"
		}
	}
	return text
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// showTable returns the function of a view that writes a table as wide as the terminal.
func (s *session) showTable(t *table) func(io.Writer) error {
	return func(out io.Writer) error {
		most, isTerminal := s.env.Width(s.env.Stdout)
		if !isTerminal {
			most = 0
		}
		return t.write(out, most)
	}
}

// count returns a number of things: count(1, "config") is "1 config".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
