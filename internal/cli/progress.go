package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"configapi/internal/eventstore"
)

// progressBar shows on a terminal how far a command is. Elsewhere it writes nothing.
type progressBar struct {
	out   io.Writer // nil: not a terminal
	begin time.Time
	shown time.Time // when the bar was drawn last; zero before
}

func newProgressBar(out io.Writer) *progressBar {
	if !isTerminal(out) {
		out = nil
	}
	return &progressBar{out: out, begin: time.Now()}
}

// show draws the bar again if the last time is long enough ago.
func (b *progressBar) show(done, of eventstore.Seq) {
	const every = 100 * time.Millisecond
	if b.out == nil || time.Since(b.shown) < every {
		return
	}
	b.shown = time.Now()
	fmt.Fprint(b.out, "\r"+barText(done, of, perSecond(done, b.begin))+clearLine)
}

// clear removes the bar.
func (b *progressBar) clear() {
	if b.out != nil && !b.shown.IsZero() {
		fmt.Fprint(b.out, "\r"+clearLine)
	}
}

// clearLine is the control sequence that clears a terminal's line from the cursor on.
const clearLine = "\x1b[K"

func barText(done, of eventstore.Seq, perSecond int64) string {
	const width = 30
	full := int(done * width / max(of, 1))
	return fmt.Sprintf("[%s%s] %3d%%  %d of %d events  %d/s",
		strings.Repeat("#", full), strings.Repeat(".", width-full), done*100/max(of, 1), done, of, perSecond)
}
