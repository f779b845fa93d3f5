package clientcmd_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestJSONIsStable compares what -o json prints, command by command, with what it has printed since
// it was documented. A member that goes or means something else breaks the scripts of users; a new
// one may come, with -update.
func TestJSONIsStable(t *testing.T) {
	s, folder := newServer(t, nil), t.TempDir()
	env := contexts(t, "current: staging\ncontexts:\n  staging: {url: %q, prefix: p, confirm: true}\n", s.URL)
	settings := write(t, folder, "a.env", "A=1\nB=2\n")
	declared := write(t, folder, "a.yaml", "prefix: p/imported\nvalues:\n  A: 3\n")
	var got strings.Builder
	record := func(p process, args ...string) {
		r := s.runIn(t, p, append(args, "-o", "json")...)
		if r.code > 1 {
			t.Errorf("%q: got %+v", args, r)
		}
		fmt.Fprintf(&got, "$ configapi %s\n%s", strings.Join(args, " "), r.stdout)
	}
	for _, line := range []string{
		"set p/a 1 -m why", "set p/a 1 --only-if-changed", "set p/a 2 --dry-run", "get p/a", "list p", "tree", "tree p",
		"import " + settings + " --prefix p/imported", "apply --prune --yes -f " + declared, "promote p/imported q", "rename q moved",
		"delete p/a", "list --deleted", "restore p/a", "revert --to 2-X --prefix p", "log p/a --exact", "diff 1-X 2-X", "diff --prefix p/imported --to-prefix moved",
	} {
		for _, seq := range []string{"1", "2"} {
			if strings.Contains(line, seq+"-X") {
				line = strings.ReplaceAll(line, seq+"-X", seq+"-"+s.hashAt(t, seq))
			}
		}
		record(process{}, strings.Fields(line)...)
	}
	record(process{env: map[string]string{"EDITOR": `echo 5 >`}}, "edit", "p/a")
	record(process{}, "status")
	for _, line := range []string{"context list", "context show", "context use staging"} {
		record(process{env: env}, strings.Fields(line)...)
	}
	text := varying.ReplaceAllString(strings.NewReplacer(s.URL, "URL", folder+"/", "").Replace(got.String()), "X")
	path := filepath.Join("testdata", "json.txt")
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("JSON has changed: run the test with -update and look at the difference; got\n%s", text)
	}
}
