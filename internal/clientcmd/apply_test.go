package clientcmd_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"configapi/internal/fault"
)

// TestApplyPrunes deletes what is below the declared prefixes and in no file, and nothing else.
func TestApplyPrunes(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	s.run(t, "import", write(t, t.TempDir(), "a.json", `{"pay": "x", "pay/a": "1", "pay/b": "1", "pay/c": "1", "pay/d": "1", "pay/e": "1", "pay/db/old": "1", "payments/x": "1", "other/x": "1"}`)).must(t, 0)
	write(t, folder, "dash.yaml", "prefix: pay-dash\nvalues: {}\n")
	write(t, folder, "pay.yaml", "prefix: pay\nvalues:\n  a: \"1\"\n  b: \"2\"\n  c: \"1\"\n  d: \"1\"\n  e: \"1\"\n")
	write(t, folder, "db/pay.json", `{"prefix": "pay/db", "values": {"url": "x"}}`)
	write(t, folder, "flat.yml", "flat/x: \"1\"\n")
	write(t, folder, ".git/config.json", "{")
	write(t, folder, ".hidden.yaml", "{")
	write(t, folder, "README.md", "# x\n")

	dry := s.run(t, "apply", "-f", folder, "--prune", "--dry-run").must(t, 0, "1 config is below pay, pay-dash in no file, of 6 that are there:\n  delete pay/db/old\n",
		"1 file is left out, since the name ends with neither .json, .yaml nor .yml", "4 changes, 4 unchanged; nothing was written")
	if strings.Contains(dry.stderr, "payments") || strings.Contains(dry.stderr, "other") {
		t.Errorf("got %+v", dry)
	}
	got := outcomeOf(t, s.run(t, "apply", "-f", folder, "--prune", "-m", "release 7", "-o", "json"))
	var changed []string
	for _, r := range got.Revisions {
		changed = append(changed, r.Operation+" "+r.Name)
	}
	if want := "DELETED pay/db/old, UPDATED pay/b, CREATED pay/db/url, CREATED flat/x"; strings.Join(sortedLike(changed, want), ", ") != want {
		t.Errorf("got %q, want %q", changed, want)
	}
	s.run(t, "list", "-o", "name").must(t, 0, "other/x\npay\npay/a\npay/b\npay/c\npay/d\npay/db/url\npay/e\npayments/x\n")
	s.run(t, "apply", "-f", folder, "--prune").must(t, 0, "7 configs have these values already; nothing was written")
	s.run(t, "apply", "-f", folder).must(t, 0, "7 configs have these values already; nothing was written")
}

// sortedLike returns texts in the order in which they stand in another one.
func sortedLike(texts []string, want string) []string {
	var sorted []string
	for text := range strings.SplitSeq(want, ", ") {
		for _, have := range texts {
			if have == text {
				sorted = append(sorted, have)
			}
		}
	}
	return sorted
}

func TestPruneStopsAtAFifth(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "import", write(t, t.TempDir(), "a.json", `{"p/a": "1", "p/b": "1", "p/c": "1", "p/d": "1"}`)).must(t, 0)
	file := write(t, t.TempDir(), "p.yaml", "prefix: p\nvalues:\n  a: \"2\"\n  b: \"1\"\n  c: \"1\"\n")
	s.run(t, "apply", "-f", file, "--prune").must(t, fault.ExitUsage, "  delete p/d\n", "that is more than a fifth of them; nothing was written. If they are to be deleted, give --yes")
	s.run(t, "get", "p/a").must(t, 0, "1")
	s.run(t, "apply", "-f", file, "--prune", "--yes").must(t, 0, "p/d deleted", "p/a updated")
	s.run(t, "list", "p", "-o", "name").must(t, 0, "p/a\np/b\np/c\n")
}

// TestPruneDoesNotDeleteWhatHasChangedSince: between the reading and the writing somebody changes a
// config that is to be deleted.
func TestPruneDoesNotDeleteWhatHasChangedSince(t *testing.T) {
	var s *server
	s = newServer(t, beforeWrites(func() {
		plain := newPlain(t, s)
		plain("pay/old", "still needed")
	}))
	s.run(t, "import", write(t, t.TempDir(), "a.json", `{"pay/old": "1", "pay/a": "1", "pay/b": "1", "pay/c": "1", "pay/d": "1"}`)).must(t, 0)
	file := write(t, t.TempDir(), "p.yaml", "prefix: pay\nvalues:\n  a: \"1\"\n  b: \"1\"\n  c: \"1\"\n  d: \"1\"\n")
	s.runIn(t, process{env: map[string]string{}}, "apply", "-f", file, "--prune").must(t, fault.ExitConflict, "pay/old")
	s.run(t, "get", "pay/old").must(t, 0, "still needed")
}

func TestWhatApplyRefuses(t *testing.T) {
	s := newServer(t, nil)
	good := write(t, t.TempDir(), "good.yaml", "a: \"1\"\n")
	twice := t.TempDir()
	write(t, twice, "1.yaml", "a: \"1\"\n")
	write(t, twice, "2.yaml", "a: \"2\"\n")
	links := t.TempDir()
	if err := os.Symlink(good, filepath.Join(links, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	badPrefix := write(t, t.TempDir(), "a.yaml", "prefix: a b\nvalues:\n  c: x\n")
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{}, fault.ExitUsage, "give files or a folder with -f"},
		{[]string{"-f", good, "--prune"}, fault.ExitUsage, "no file declares one: write its members prefix and values"},
		{[]string{"-f", twice}, fault.ExitInvalid, "a is in " + filepath.Join(twice, "1.yaml") + " as well; a name may be in one file alone"},
		{[]string{"-f", links}, fault.ExitUsage, "link.yaml is a link or no regular file, which is not read in a folder"},
		{[]string{"-f", t.TempDir()}, fault.ExitUsage, "has no file that ends with .json, .yaml or .yml"},
		{[]string{"-f", filepath.Join(twice, "none.yaml")}, fault.ExitUsage, "reading files: "},
		{[]string{"-f", write(t, t.TempDir(), ".env", "A=1\n")}, fault.ExitUsage, "ends with neither .json, .yaml nor .yml; `configapi import` reads other formats"},
		{[]string{"-f", badPrefix}, fault.ExitInvalid, `the declared prefix "a b"`},
		{[]string{"-f", write(t, t.TempDir(), "a.yaml", "a: [1]\n")}, fault.ExitInvalid, `line 1: "a" is a list`},
	} {
		s.run(t, append([]string{"apply"}, row.args...)...).must(t, row.code, row.want)
	}
	s.runIn(t, process{stdin: "{\"a\": \"1\"}"}, "apply", "-f", "-").must(t, 0, "a created")
	s.runIn(t, process{stdin: "a: \"2\"\n"}, "apply", "-f", "-").must(t, 0, "a updated")
	link := filepath.Join(links, "link.yaml")
	s.run(t, "apply", "-f", link).must(t, 0, "a updated") // one that the command line names is followed
}

// beforeWrites has a function run before the first change set that prunes.
func beforeWrites(do func()) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.URL.Path == "/changes" {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					panic(err)
				}
				if bytes.Contains(body, []byte(`"delete"`)) {
					do()
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			next.ServeHTTP(w, r)
		})
	}
}

// newPlain returns a function that sets a config with a plain request.
func newPlain(t *testing.T, s *server) func(name, value string) {
	t.Helper()
	return func(name, value string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.URL+"/config/"+url.PathEscape(name), strings.NewReader(`{"value":"`+value+`"}`))
		if err != nil {
			t.Error(err)
			return
		}
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Errorf("setting %s: %v, %v", name, answer, err)
			return
		}
		answer.Body.Close()
	}
}
