package linediff

import (
	"slices"
	"strings"
)

// Labels are what the marks of a conflict say of the two texts.
type Labels struct{ Ours, Theirs string }

// Merge makes both changes of one text: that from base to ours, and that from base to theirs. Where
// they change the same lines, or lines beside each other, in different ways, the merged text has
// both versions, between marks as those of other tools:
//
//	<<<<<<< ours
//	our lines
//	=======
//	their lines
//	>>>>>>> theirs
//
// conflicts is how many such places there are.
func Merge(base, ours, theirs string, labels Labels) (merged string, conflicts int) {
	m := merger{base: lines(base), ours: lines(ours), theirs: lines(theirs), labels: labels}
	m.merge(diff(m.base, m.ours), diff(m.base, m.theirs))
	return m.out.String(), m.conflicts
}

// merger is a merge that is under way.
type merger struct {
	base, ours, theirs []string
	labels             Labels
	out                strings.Builder
	conflicts          int
}

func (m *merger) merge(ours, theirs []span) {
	at := 0 // what of base is done
	for len(ours) > 0 || len(theirs) > 0 {
		start := len(m.base)
		for _, spans := range [][]span{ours, theirs} {
			if len(spans) > 0 {
				start = min(start, spans[0].a0)
			}
		}
		end, o, t := start, 0, 0 // how many spans of each are within start and end
		for grown := true; grown; {
			grown = false
			for o < len(ours) && ours[o].a0 <= end {
				end, o, grown = max(end, ours[o].a1), o+1, true
			}
			for t < len(theirs) && theirs[t].a0 <= end {
				end, t, grown = max(end, theirs[t].a1), t+1, true
			}
		}
		m.write(m.base[at:start])
		m.resolve(m.base[start:end], m.ours, m.theirs, ours[:o], theirs[:t], start, end)
		at, ours, theirs = end, ours[o:], theirs[t:]
	}
	m.write(m.base[at:])
}

// resolve writes what stands in place of a part of base, in which one side or both have changes.
func (m *merger) resolve(base, ours, theirs []string, ourSpans, theirSpans []span, start, end int) {
	o, t := within(base, ours, ourSpans, start, end), within(base, theirs, theirSpans, start, end)
	switch {
	case len(theirSpans) == 0 || slices.Equal(o, t):
		m.write(o)
	case len(ourSpans) == 0:
		m.write(t)
	default:
		m.conflicts++
		m.mark("<<<<<<< " + m.labels.Ours)
		m.write(o)
		m.mark("=======")
		m.write(t)
		m.mark(">>>>>>> " + m.labels.Theirs)
	}
}

// within returns what a text has in place of the lines of base from start to before end, in which
// the spans are all that differ.
func within(base, text []string, spans []span, start, end int) []string {
	if len(spans) == 0 {
		return base
	}
	first, last := spans[0], spans[len(spans)-1]
	return text[first.b0-(first.a0-start) : last.b1+(end-last.a1)]
}

func (m *merger) write(lines []string) {
	for _, line := range lines {
		m.out.WriteString(line)
	}
}

// mark writes a mark on a line of its own, also behind a last line without a line feed.
func (m *merger) mark(text string) {
	if before := m.out.String(); before != "" && !strings.HasSuffix(before, "\n") {
		m.out.WriteByte('\n')
	}
	m.out.WriteString(text + "\n")
}
