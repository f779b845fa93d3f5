package clientcmd_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"configapi/internal/eventstore"
)

// varying are the parts of an output that differ each time: positions and instants.
var varying = regexp.MustCompile(`[0-9a-f]{8}\b|20\d\d-\d\d-\d\dT[0-9:.]+Z`)

// TestDocumentedOutput runs the commands of sections of the page about the command line, in order,
// and compares what they print. Hashes of positions, and instants, are not compared.
func TestDocumentedOutput(t *testing.T) {
	page, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, title := range []string{"Output and writes", "Changes and their history"} {
		_, section, _ := strings.Cut(string(page), "\n## "+title+"\n")
		section, _, _ = strings.Cut(section, "\n## ")
		blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(section, -1)
		if len(blocks) == 0 {
			t.Fatalf("%s has lost its examples", title)
		}
		s := newServer(t, nil)
		for _, block := range blocks {
			for _, example := range strings.Split(block[1], "$ configapi ")[1:] {
				s.mustPrint(t, example)
			}
		}
	}
}

// mustPrint runs an example: a command without configapi, and what it prints. A position in the
// command stands for that of this server.
func (s *server) mustPrint(t *testing.T, example string) {
	t.Helper()
	command, want, _ := strings.Cut(example, "\n")
	command = regexp.MustCompile(`\b(\d+)-[0-9a-f]{8}\b`).ReplaceAllStringFunc(command, func(position string) string {
		seq, _, _ := strings.Cut(position, "-")
		return seq + "-" + s.hashAt(t, seq)
	})
	code := 0
	if strings.HasPrefix(command, "diff ") {
		code = 1
	}
	got := s.run(t, wordsOf(command)...)
	if printed := got.stdout + got.stderr; got.code != code || varying.ReplaceAllString(lines(printed), "X") != varying.ReplaceAllString(want, "X") {
		t.Errorf("%s: got %d and\n%s\nwant\n%s", command, got.code, printed, want)
	}
}

// hashAt returns the hash in the position with a number.
func (s *server) hashAt(t *testing.T, seq string) string {
	t.Helper()
	n, err := strconv.Atoi(seq)
	if err != nil {
		t.Fatal(err)
	}
	records, err := s.Events.Read(t.Context(), eventstore.Seq(n-1), eventstore.Limit{Records: 1})
	if err != nil || len(records) != 1 {
		t.Fatalf("reading %s: %d records, %v", seq, len(records), err)
	}
	return hex.EncodeToString(records[0].Hash[:4])
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
