package cli

import (
	"strings"
	"testing"
	"time"

	"configapi/internal/eventstore"
)

func TestProgressBar(t *testing.T) {
	for _, test := range []struct {
		done, of eventstore.Seq
		want     string
	}{
		{0, 0, "[..............................]   0%  0 of 0 events  7/s"},
		{500, 1000, "[###############...............]  50%  500 of 1000 events  7/s"},
		{1000, 1000, "[##############################] 100%  1000 of 1000 events  7/s"},
	} {
		if got := barText(test.done, test.of, 7); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	var out strings.Builder
	elsewhere := newProgressBar(&out)
	elsewhere.show(1, 2)
	elsewhere.clear()
	if out.Len() > 0 {
		t.Errorf("got %q where no terminal is", &out)
	}
	terminal := progressBar{out: &out, begin: time.Now()}
	terminal.show(1, 2)
	terminal.show(2, 2) // too soon
	terminal.clear()
	if got := out.String(); strings.Count(got, "1 of 2 events") != 1 || strings.Contains(got, "2 of 2") || !strings.HasSuffix(got, "\r"+clearLine) || strings.Contains(got, "\n") {
		t.Errorf("got %q on a terminal", got)
	}
}
