package clientcmd_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// varying are the parts of an output that differ each time: positions and instants.
var varying = regexp.MustCompile(`[0-9a-f]{8}\b|20\d\d-\d\d-\d\dT[0-9:.]+Z`)

// TestDocumentedOutput runs the commands of the page about the command line, in order, and compares
// what they print. Hashes of positions, and instants, are not compared.
func TestDocumentedOutput(t *testing.T) {
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n## Output and writes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(section, -1)
	if len(blocks) == 0 {
		t.Fatal("the page has lost its examples")
	}
	s := newServer(t, nil)
	for _, block := range blocks {
		for _, example := range strings.Split(block[1], "$ configapi ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			got := s.run(t, wordsOf(command)...)
			if printed := got.stdout + got.stderr; got.code != 0 || varying.ReplaceAllString(lines(printed), "X") != varying.ReplaceAllString(want, "X") {
				t.Errorf("%s: got %d and\n%s\nwant\n%s", command, got.code, printed, want)
			}
		}
	}
}

// lines returns an output as a terminal shows it.
func lines(text string) string { return strings.TrimSuffix(text, "\n") + "\n" }

// wordsOf splits a command as a shell does that knows double quotes alone.
func wordsOf(command string) []string {
	var words []string
	for _, found := range regexp.MustCompile(`"([^"]*)"|\S+`).FindAllStringSubmatch(command, -1) {
		word := found[0]
		if strings.HasPrefix(word, `"`) {
			word = found[1]
		}
		words = append(words, word)
	}
	return words
}
