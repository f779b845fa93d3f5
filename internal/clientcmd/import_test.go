package clientcmd_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"configapi/internal/fault"
)

// write writes a file into a folder of the test, and returns its path.
func write(t *testing.T, folder, name, text string) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// outcome is what -o json prints of a write.
type outcome struct {
	Revisions []struct{ Name, Value, Operation, Position string }
	Unchanged []string
}

// outcomeOf returns what a write with -o json came to.
func outcomeOf(t *testing.T, r result) (o outcome) {
	t.Helper()
	if r.code != 0 {
		t.Fatalf("got %+v", r)
	}
	if err := json.Unmarshal([]byte(r.stdout), &o); err != nil {
		t.Fatalf("%v in %s", err, r.stdout)
	}
	return o
}

// counted counts the change sets that are made, dry runs apart, and answers of its own where refuse
// says so.
func counted(sets *atomic.Int64, refuse func(n int64, w http.ResponseWriter) bool) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && r.Header.Get("Idempotency-Key") != "" {
				if n := sets.Add(1); refuse != nil && refuse(n, w) {
					return
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

// manySettings returns a .env file of n settings.
func manySettings(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "SETTING_%d='value %d'\n", i, i)
	}
	return b.String()
}

func TestImportOfThreeHundredSettingsIsOneChangeSet(t *testing.T) {
	var sets atomic.Int64
	s := newServer(t, counted(&sets, nil))
	file := write(t, t.TempDir(), ".env", manySettings(300))
	first := outcomeOf(t, s.run(t, "import", file, "--prefix", "pay", "-m", "old host", "-o", "json"))
	if len(first.Revisions) != 300 || first.Revisions[7].Name != "pay/SETTING_7" || first.Revisions[7].Value != "value 7" || sets.Load() != 1 {
		t.Errorf("got %d revisions in %d sets: %+v", len(first.Revisions), sets.Load(), first.Revisions[7])
	}
	again := outcomeOf(t, s.run(t, "import", file, "--prefix", "pay", "-o", "json"))
	if len(again.Revisions) != 0 || len(again.Unchanged) != 300 {
		t.Errorf("again: got %d revisions, %d unchanged", len(again.Revisions), len(again.Unchanged))
	}
	s.run(t, "log", "pay/SETTING_7", "-o", "json").must(t, 0, "old host")
}

// TestImportOfManySettingsGoesOn: 2,500 settings are three sets. When the second fails, the first
// is made, and the same command again makes the others.
func TestImportOfManySettingsGoesOn(t *testing.T) {
	var sets atomic.Int64
	s := newServer(t, counted(&sets, func(n int64, w http.ResponseWriter) bool {
		if n == 2 {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `{"status":403,"code":"FORBIDDEN","detail":"the token has lost the right"}`)
		}
		return n == 2
	}))
	file := write(t, t.TempDir(), "a.env", manySettings(2500))
	s.run(t, "import", file).must(t, fault.ExitDenied, "2500 changes are more than one set holds: 3 change sets, one after the other",
		"the token has lost the right", "1000 changes were made before, up to position 1000-", "run the same command again to go on")
	again := outcomeOf(t, s.run(t, "import", file, "-o", "json"))
	if len(again.Revisions) != 1500 || len(again.Unchanged) != 1000 || sets.Load() != 5 {
		t.Errorf("again: got %d revisions, %d unchanged, %d sets", len(again.Revisions), len(again.Unchanged), sets.Load())
	}
}

// TestNothingIsWrittenWhenASetIsRefused: all sets are tried before the first one is made.
// TestTwoImportsAtOnce: each change set is one of the two as a whole, and none is lost.
func TestTwoImportsAtOnce(t *testing.T) {
	const settings, inSet = 3000, 1000
	s, folder := newServer(t, nil), t.TempDir()
	results := make(chan result, 2)
	for _, who := range []string{"first", "other"} {
		file := write(t, folder, who+".env", strings.ReplaceAll(manySettings(settings), "value", who))
		go func() { results <- s.run(t, "import", file, "-m", who) }()
	}
	for range 2 {
		(<-results).must(t, 0, "3000 changes")
	}
	winners := make([]string, settings/inSet) // of each set
	for _, c := range jsonOf[[]struct {
		Name, Value, Reason string
		Version             int
	}](t, s.run(t, "list", "-o", "json")) {
		var n int
		if _, err := fmt.Sscanf(c.Name, "SETTING_%d", &n); err != nil {
			t.Fatal(err)
		}
		if of := &winners[n/inSet]; *of == "" {
			*of = c.Reason
		} else if *of != c.Reason {
			t.Fatalf("%s is of %s, and another one of its set of %s", c.Name, c.Reason, *of)
		}
		if c.Version != 2 || c.Value != fmt.Sprintf("%s %d", c.Reason, n) {
			t.Fatalf("got %+v", c)
		}
	}
}

func TestNothingIsWrittenWhenASetIsRefused(t *testing.T) {
	var sets atomic.Int64
	s := newServer(t, counted(&sets, nil))
	s.run(t, "set", "SETTING_2400", "x").must(t, 0)
	s.run(t, "delete", "SETTING_2400").must(t, 0)
	sets.Store(0)
	file := write(t, t.TempDir(), "a.env", manySettings(2500))
	s.run(t, "import", file).must(t, fault.ExitNotFound, "nothing was written: SETTING_2400", "1 config is deleted", "--restore-deleted brings it back")
	if sets.Load() != 0 {
		t.Errorf("%d sets were made", sets.Load())
	}
	restored := outcomeOf(t, s.run(t, "import", file, "--restore-deleted", "-o", "json"))
	if len(restored.Revisions) != 2500 || restored.Revisions[2400].Operation != "RESTORED" || restored.Revisions[2400].Value != "value 2400" {
		t.Errorf("got %d revisions, %+v", len(restored.Revisions), restored.Revisions[2400])
	}
}

// TestImportShowsHowFarItIs on a terminal, and not elsewhere.
func TestImportShowsHowFarItIs(t *testing.T) {
	s := newServer(t, nil)
	file := write(t, t.TempDir(), "a.env", manySettings(2500))
	s.runIn(t, process{terminal: 80}, "import", file).must(t, 0, "\rtrying  [", "\rwriting [############..................] 1000 of 2500", "writing [##############################] 2500 of 2500\n")
	file = write(t, t.TempDir(), "b.env", strings.ReplaceAll(manySettings(2500), "value", "other"))
	if got := s.run(t, "import", file).must(t, 0, "2500 changes"); strings.Contains(got.stderr, "\r") {
		t.Errorf("got a bar without a terminal: %q", got.stderr)
	}
}

// TestLargeValuesTakeSeveralSets: the values that are replaced count as well, and only the server
// knows them.
func TestLargeValuesTakeSeveralSets(t *testing.T) {
	var sets atomic.Int64
	s := newServer(t, counted(&sets, nil))
	settings := func(size int) string {
		values := map[string]string{}
		for i := range 6 {
			values[fmt.Sprintf("large/%d", i)] = strings.Repeat("x", size)
		}
		text, _ := json.Marshal(values)
		return string(text)
	}
	folder := t.TempDir()
	first := outcomeOf(t, s.run(t, "import", write(t, folder, "a.json", settings(1<<20)), "-o", "json"))
	if len(first.Revisions) != 6 || sets.Load() != 2 {
		t.Errorf("got %d revisions in %d sets", len(first.Revisions), sets.Load())
	}
	second := outcomeOf(t, s.run(t, "import", write(t, folder, "b.json", settings(10)), "-o", "json"))
	if len(second.Revisions) != 6 {
		t.Errorf("got %d revisions", len(second.Revisions))
	}
}

func TestImportReadsEachFormat(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	for i, row := range []struct {
		name, text string
		args       []string
		want       string
	}{
		{"a.json", `{"a/b": "x"}`, nil, "a/b"},
		{"a.yaml", "a:\n  b: x\n", []string{"--nested"}, "a/b"},
		{"a.properties", "a.b=x\n", []string{"--separator", "."}, "a/b"},
		{"a.sh", "export A__B='x'\n", []string{"--separator", "__", "--lower"}, "a/b"},
		{"a.txt", "A=x\n", []string{"--format", "docker-env", "--map", "A=a/b"}, "a/b"},
		{"consul.json", `[{"key": "a/b", "flags": 0, "value": "eA=="}]`, nil, "a/b"},
		{"etcd.json", `{"header": {"revision": 1}, "kvs": [{"key": "L2EvYg==", "value": "eA=="}]}`, []string{"--map", "/="}, "a/b"},
		{"declared.yaml", "prefix: a\nvalues:\n  b: x\n", nil, "a/b"},
	} {
		prefix := fmt.Sprintf("p%d", i)
		got := outcomeOf(t, s.run(t, append([]string{"import", write(t, folder, row.name, row.text), "--prefix", prefix, "-o", "json"}, row.args...)...))
		if len(got.Revisions) != 1 || got.Revisions[0].Name != prefix+"/"+row.want || got.Revisions[0].Value != "x" {
			t.Errorf("%s: got %+v", row.name, got)
		}
	}
	s.runIn(t, process{stdin: `{"from/stdin": "x"}`}, "import", "-").must(t, 0, "from/stdin created")
}

func TestWhatImportRefuses(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	bad := write(t, folder, "bad.env", "A=1\nB C=2\nA=3\n")
	names := write(t, folder, "names.json", `{"a b": "x", "/c": "y"}`)
	for _, row := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{bad}, fault.ExitInvalid, "cannot be taken:\n  line 2: the line must be KEY=value, with no space in the key\n  line 3: \"A\" is in line 1 already"},
		{[]string{names}, fault.ExitInvalid, `"a b" makes no name of a config: it may hold only letters, digits, and _ - . : /; --map 'a b'=a_b gives it one`},
		{[]string{names, "--format", "yml"}, fault.ExitUsage, `there is no format "yml" here; give one of json, yaml`},
		{[]string{names, "--map", "x"}, fault.ExitUsage, "--map x must be OLD=NEW"},
		{[]string{write(t, folder, "plain", "A=1\n")}, fault.ExitUsage, "give --format, one of json, yaml"},
		{[]string{folder}, fault.ExitUsage, "is a folder; `configapi apply -f` takes one"},
		{[]string{filepath.Join(folder, "none.env")}, fault.ExitUsage, "reading the file: "},
		{[]string{}, fault.ExitUsage, "write `configapi import FILE|-`"},
	} {
		s.run(t, append([]string{"import"}, row.args...)...).must(t, row.code, row.want)
	}
	s.run(t, "import", write(t, folder, "empty.env", "# nothing\n")).must(t, 0, "there is nothing to change")
	s.run(t, "list", "-o", "name").must(t, 0)
}

// TestImportHidesValues: they may be secrets, and files hold many.
func TestImportHidesValues(t *testing.T) {
	s := newServer(t, nil)
	file := write(t, t.TempDir(), ".env", "PASSWORD=hunter2\n")
	if got := s.run(t, "import", file).must(t, 0, "PASSWORD created, version 1"); strings.Contains(got.stdout+got.stderr, "hunter2") {
		t.Errorf("got %+v", got)
	}
	s.run(t, "import", file, "--dry-run").must(t, 0, "nothing was written")
}
