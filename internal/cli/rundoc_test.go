package cli_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestRunPage runs the examples of the page about run, and compares what they print. Hashes of
// positions differ each time.
func TestRunPage(t *testing.T) {
	text := string(mustReadFile(t, "../../docs/run.md"))
	d := newOpenDesk(t)
	hashes := regexp.MustCompile(`\b(\d+)-[0-9a-f]{8}\b`)
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1)
	if len(blocks) != 2 {
		t.Fatalf("got %d blocks, want 2", len(blocks))
	}
	for _, block := range blocks {
		for _, example := range strings.Split(block[1], "$ configapi ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			got, _ := d.run(t, "configapi "+command)
			if hashes.ReplaceAllString(got, "$1-X") != hashes.ReplaceAllString(want, "$1-X") {
				t.Errorf("%s\ngot\n%s\nwant\n%s", command, got, want)
			}
		}
	}
}
