package cli_test

import (
	"regexp"
	"strings"
	"testing"
)

// TestCommandLinePage runs the first examples of the page about the command line, and compares what
// they print. Hashes of positions differ each time.
func TestCommandLinePage(t *testing.T) {
	text := string(mustReadFile(t, "../../docs/cli.md"))
	d := newOpenDesk(t)
	hashes := regexp.MustCompile(`\b(\d+)-[0-9a-f]{8}\b`)
	address := d.server.URL("")
	seen := map[string]string{} // :: position of the page → own one
	for _, section := range []string{"First steps", "Servers and contexts"} {
		_, part, _ := strings.Cut(text, "\n## "+section+"\n")
		part, _, _ = strings.Cut(part, "\n## ")
		blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(part, -1)
		if len(blocks) == 0 {
			t.Fatalf("%s has lost its examples", section)
		}
		for _, example := range strings.Split(blocks[0][1], "$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			line := hashes.ReplaceAllStringFunc(command, func(position string) string { return seen[position] })
			got, _ := d.run(t, strings.ReplaceAll(line, "http://localhost:4000", address))
			theirs, own := hashes.FindAllString(want, -1), hashes.FindAllString(got, -1)
			for i := range min(len(theirs), len(own)) {
				seen[theirs[i]] = own[i]
			}
			plain := func(text string) string {
				text = strings.ReplaceAll(text, address, "http://localhost:4000")
				return regexp.MustCompile(` +`).ReplaceAllString(strings.TrimSpace(hashes.ReplaceAllString(text, "$1-X")), " ")
			}
			if plain(got) != plain(want) {
				t.Errorf("%s\ngot\n%s\nwant\n%s", command, got, want)
			}
		}
	}
}
