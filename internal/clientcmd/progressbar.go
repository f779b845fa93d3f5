package clientcmd

import (
	"fmt"
	"strings"
)

// progressBar shows on a terminal how far a write of several change sets has come.
type progressBar struct {
	*session
	all   int
	label string
	shown bool // its line is not ended
}

// newProgressBar returns a bar for a number of changes. wanted is false when there is nothing to
// wait for.
func (s *session) newProgressBar(all int, dryRun, wanted bool) *progressBar {
	b := &progressBar{session: s, all: all, label: "writing"}
	if dryRun {
		b.label = "trying"
	}
	if _, isTerminal := s.env.Width(s.env.Stderr); !wanted || !isTerminal {
		b.all = 0
	}
	return b
}

// show draws the bar over the one before.
func (b *progressBar) show(done int) {
	if b.all == 0 {
		return
	}
	const columns = 30
	filled := columns * done / b.all
	fmt.Fprintf(b.env.Stderr, "\r%-7s [%s%s] %d of %d", b.label, strings.Repeat("#", filled), strings.Repeat(".", columns-filled), done, b.all)
	b.shown = true
}

// end ends the line of the bar.
func (b *progressBar) end() {
	if b.shown {
		fmt.Fprintln(b.env.Stderr)
		b.shown = false
	}
}
