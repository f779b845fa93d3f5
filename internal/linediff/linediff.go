// Package linediff compares texts line by line, and merges two changes of one text.
//
// The differences are those of Myers' algorithm: the fewest lines that were removed and added. Two
// texts that have more than [maxEdits] of them differ as a whole, from their first different line
// to their last, so that the time and the memory are bounded.
package linediff

import (
	"fmt"
	"strings"
)

// maxEdits is how many removed and added lines are looked for. The search takes about maxEdits²
// numbers of memory.
const maxEdits = 1000

// span is a part of two texts that differs: the lines from a0 to before a1 of the one stand where
// the lines from b0 to before b1 of the other stand.
type span struct{ a0, a1, b0, b1 int }

// lines splits a text behind its line feeds. Only the last line can lack one.
func lines(text string) []string {
	all := strings.SplitAfter(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	return all
}

// diff returns the parts in which two texts differ, in order, none touching another.
func diff(a, b []string) []span {
	start := 0
	for start < len(a) && start < len(b) && a[start] == b[start] {
		start++
	}
	endA, endB := len(a), len(b)
	for endA > start && endB > start && a[endA-1] == b[endB-1] {
		endA, endB = endA-1, endB-1
	}
	spans := edits(a[start:endA], b[start:endB])
	for i := range spans {
		spans[i] = span{spans[i].a0 + start, spans[i].a1 + start, spans[i].b0 + start, spans[i].b1 + start}
	}
	return spans
}

// edits is diff by Myers' algorithm. reached[d][k] is how far in a the furthest path gets that has
// d edits and ends k lines further in a than in b.
func edits(a, b []string) []span {
	if len(a) == 0 && len(b) == 0 {
		return nil
	}
	var reached []map[int]int
	for d := 0; d <= min(maxEdits, len(a)+len(b)); d++ {
		row := make(map[int]int, d+1)
		reached = append(reached, row)
		for k := -d; k <= d; k += 2 {
			x := furthest(reached, d, k)
			for x < len(a) && x-k < len(b) && a[x] == b[x-k] {
				x++
			}
			row[k] = x
			if x >= len(a) && x-k >= len(b) {
				return spansOf(reached, len(a), len(b))
			}
		}
	}
	return []span{{0, len(a), 0, len(b)}}
}

// furthest returns how far in a a path of d edits begins on the diagonal k.
func furthest(reached []map[int]int, d, k int) int {
	if d == 0 {
		return 0
	}
	before := reached[d-1]
	if k == -d || k != d && before[k-1] < before[k+1] {
		return before[k+1] // a line of b was added
	}
	return before[k-1] + 1 // a line of a was removed
}

// spansOf walks the path that has reached both ends back to the beginning.
func spansOf(reached []map[int]int, x, y int) []span {
	var spans []span
	for d := len(reached) - 1; d > 0; d-- {
		k := x - y
		begun := furthest(reached, d, k) // behind the edit, before the equal lines
		before := reached[d-1]
		x1, y1 := begun, begun-k
		if k == -d || k != d && before[k-1] < before[k+1] {
			x, y = begun, begun-k-1
		} else {
			x, y = begun-1, begun-k
		}
		if n := len(spans); n > 0 && spans[n-1].a0 == x1 && spans[n-1].b0 == y1 {
			spans[n-1].a0, spans[n-1].b0 = x, y
		} else {
			spans = append(spans, span{x, x1, y, y1})
		}
	}
	for i, j := 0, len(spans)-1; i < j; i, j = i+1, j-1 {
		spans[i], spans[j] = spans[j], spans[i]
	}
	return spans
}

// Line is a line of a comparison.
type Line struct {
	// Kind is '@' for a line that says where a part begins, ' ' for a line of both texts, '-' for
	// one of the first text alone, '+' for one of the second.
	Kind byte
	Text string // without its line feed
	// Ended is false for the last line of a text when it has no line feed.
	Ended bool
}

// Unified compares two texts as `diff -u` does: each part that differs has so many lines of both
// texts before it and after it. It returns nothing when the texts are equal.
func Unified(from, to string, context int) (all []Line) {
	a, b := lines(from), lines(to)
	spans := diff(a, b)
	for i := 0; i < len(spans); {
		j := i + 1 // the end of the spans that are shown as one part
		for j < len(spans) && spans[j].a0-spans[j-1].a1 <= 2*context {
			j++
		}
		a0, b0 := max(0, spans[i].a0-context), max(0, spans[i].b0-context)
		a1, b1 := min(len(a), spans[j-1].a1+context), min(len(b), spans[j-1].b1+context)
		all = append(all, Line{Kind: '@', Text: fmt.Sprintf("@@ -%s +%s @@", place(a0, a1), place(b0, b1)), Ended: true})
		at := a0
		for _, s := range spans[i:j] {
			all = add(all, ' ', a[at:s.a0])
			all = add(all, '-', a[s.a0:s.a1])
			all = add(all, '+', b[s.b0:s.b1])
			at = s.a1
		}
		all = add(all, ' ', a[at:a1])
		i = j
	}
	return all
}

// place returns the first line and the number of lines as `diff -u` has them.
func place(start, end int) string {
	if end == start {
		return fmt.Sprintf("%d,0", start)
	}
	return fmt.Sprintf("%d,%d", start+1, end-start)
}

func add(all []Line, kind byte, lines []string) []Line {
	for _, line := range lines {
		text, ended := strings.CutSuffix(line, "\n")
		all = append(all, Line{kind, text, ended})
	}
	return all
}
