package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// TestREADME runs the examples of the README in order, and compares the answers. Hashes of
// positions and instants differ each time, so only their form is compared. Positions that an
// example sends are replaced by those that this history has in their place.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	server := MustServe(t, "memory")
	blocks := regexp.MustCompile("(?s)```([a-z]+)\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	ran := map[string]int{}
	for i, block := range blocks {
		kind, text := block[1], block[2]
		ran[kind]++
		switch {
		case kind == "console":
			runConsole(t, server, text)
		case kind == "graphql" && i+1 < len(blocks) && blocks[i+1][1] == "json":
			body, _ := json.Marshal(map[string]string{"query": server.mustHavePositions(t, text)})
			compare(t, text, server.MustSend(t, http.MethodPost, "/graphql", string(body), http.Header{"Content-Type": {"application/json"}}), blocks[i+1][2])
		case kind == "graphql":
			mustBeValid(t, text)
		}
	}
	if ran["console"] < 1 || ran["graphql"] < 3 {
		t.Errorf("ran %v: the README has lost its examples", ran)
	}
}

// runConsole runs lines that begin with "$ curl", each followed by the expected output.
func runConsole(t *testing.T, server process, text string) {
	t.Helper()
	for _, example := range strings.Split(text, "$ ")[1:] {
		command, want, _ := strings.Cut(example, "\n")
		compare(t, command, curl(t, server, command, want), want)
	}
}

// curl sends what curl would, with the positions of the server's own history; with -N it reads as
// many lines of a stream as are expected. An entity tag in If-Match is replaced by the current one
// of the config.
func curl(t *testing.T, server process, command, want string) string {
	t.Helper()
	asked := parseCurl(t, command)
	path, body := server.mustHavePositions(t, asked.path), server.mustHavePositions(t, asked.body)
	if tag := asked.header.Get("If-Match"); tag != "" {
		asked.header.Set("If-Match", server.mustHaveTag(t, path, tag))
	}
	if asked.streams {
		return server.MustRead(t, path, strings.Count(want, "\n"))
	}
	return server.MustSend(t, asked.method, path, body, asked.header)
}

// curled is a request that a command of curl sends.
type curled struct {
	method, path, body string
	header             http.Header
	streams            bool
}

// parseCurl knows -N, -X, -H, -d, --data-binary and words in single quotes.
func parseCurl(t *testing.T, command string) curled {
	t.Helper()
	words := regexp.MustCompile(`'[^']*'|\S+`).FindAllString(command, -1)
	asked := curled{method: http.MethodGet, header: http.Header{}}
	for i := 1; i < len(words); i++ {
		word := func() string { i++; return strings.Trim(words[i], "'") }
		switch words[i] {
		case "-N":
			asked.streams = true
		case "-X":
			asked.method = word()
		case "-d", "--data-binary":
			asked.body = word()
		case "-H":
			name, value, _ := strings.Cut(word(), ": ")
			asked.header.Set(name, value)
		default:
			var ok bool
			if asked.path, ok = strings.CutPrefix(strings.Trim(words[i], "'"), "localhost:4000"); !ok {
				t.Fatalf("%s: %q is not understood here", command, words[i])
			}
		}
	}
	return asked
}

// mustHavePositions returns the text with the positions of the server's own history.
func (p process) mustHavePositions(t *testing.T, text string) string {
	t.Helper()
	return positions.ReplaceAllStringFunc(text, func(example string) string {
		seq, _, _ := strings.Cut(example, "-")
		if seq == "0" {
			return example
		}
		own := regexp.MustCompile(`"position":"(` + seq + `-[0-9a-f]{8})"`)
		match := own.FindStringSubmatch(p.MustSend(t, http.MethodGet, "/changes?first=500", "", nil))
		if match == nil {
			t.Fatalf("%s: the history has no position %s", text, seq)
		}
		return match[1]
	})
}

// mustHaveTag returns the entity tag of a config, which must have the form of the example.
func (p process) mustHaveTag(t *testing.T, path, example string) string {
	t.Helper()
	resp, err := http.Get(p.URL(path))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	tag := resp.Header.Get("ETag")
	compare(t, "the entity tag of "+path, tag, example)
	return tag
}

// MustRead returns the first lines of an answer that may be a stream.
func (p process) MustRead(t testing.TB, path string, lines int) string {
	t.Helper()
	resp, err := http.Get(p.URL(path))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, text := bufio.NewReader(resp.Body), ""
	for range lines {
		line, err := body.ReadString('\n')
		if err != nil {
			t.Fatalf("getting %s: %v after %q", path, err, text)
		}
		text += line
	}
	return text
}

// MustSend returns the body of the answer, whatever its status.
func (p process) MustSend(t testing.TB, method, path, body string, header http.Header) string {
	t.Helper()
	req, err := http.NewRequest(method, p.URL(path), bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

var (
	positions = regexp.MustCompile(`\b(\d+)-[0-9a-f]{8}\b`)
	instants  = regexp.MustCompile(`"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"`)
)

func compare(t *testing.T, example, got, want string) {
	t.Helper()
	form := func(text string) string {
		return instants.ReplaceAllString(positions.ReplaceAllString(strings.TrimSpace(text), `$1-hash`), `"instant"`)
	}
	if form(got) != form(want) {
		t.Errorf("%s\n got %s\nwant %s", example, got, want)
	}
}

func mustBeValid(t *testing.T, document string) {
	t.Helper()
	source, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: string(source)})
	if _, err := gqlparser.LoadQueryWithRules(schema, document, rules.NewDefaultRules()); err != nil {
		t.Errorf("%s\n%v", document, err)
	}
}
