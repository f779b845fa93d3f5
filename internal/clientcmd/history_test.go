package clientcmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// revisionOut and setOut are what commands print as JSON.
type revisionOut struct {
	Name, Operation string
	Value, OldValue *string
}

type setOut struct {
	Position      string
	Actor, Reason *string
	Reverts       *string
	Changes       []revisionOut
	Revisions     []revisionOut
	DryRun        bool
}

func jsonOf[T any](t *testing.T, r result) (found T) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.stdout), &found); err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return found
}

// texts are the changes of a set, each as name=value, or as name alone when it was deleted.
func texts(changes []revisionOut) (all []string) {
	for _, c := range changes {
		text := c.Name
		if c.Value != nil {
			text += "=" + *c.Value
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}

// state is all configs of a server below a prefix, each as name=value.
func (s *server) state(t *testing.T, prefix string) (all []string) {
	t.Helper()
	args := []string{"list", "-o", "json"}
	if prefix != "" {
		args = append(args, prefix)
	}
	for _, c := range jsonOf[[]revisionOut](t, s.run(t, args...).must(t, 0)) {
		all = append(all, c.Name+"="+*c.Value)
	}
	return all
}

func mustEqual(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// mustSetAll sets configs, given as name=value.
func (s *server) mustSetAll(t *testing.T, all ...string) {
	t.Helper()
	for _, one := range all {
		name, value, _ := strings.Cut(one, "=")
		s.MustSet(t, name, value)
	}
}

func TestLog(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "p/a=1", "p/b=1", "q=1", "p/a=2")
	s.run(t, "delete", "p/a", "p/b", "-m", "no more").must(t, 0)
	position := jsonOf[[]setOut](t, s.run(t, "log", "--limit", "1", "-o", "json"))[0].Position
	s.run(t, "restore", "p/a", "-m", "an\x1b[31m error\nof mine").must(t, 0)
	for args, want := range map[string]string{
		"":                     "p/a=2|p/a,p/b|p/a=2|q=1|p/b=1|p/a=1",
		"p":                    "p/a=2|p/a,p/b|p/a=2|p/b=1|p/a=1",
		"p/":                   "p/a=2|p/a,p/b|p/a=2|p/b=1|p/a=1",
		"p/a":                  "p/a=2|p/a|p/a=2|p/a=1",
		"p --limit 2":          "p/a=2|p/a,p/b",
		"p --exact":            "",
		"q --exact":            "q=1",
		"--by ann":             "",
		"--since 1h":           "p/a=2|p/a,p/b|p/a=2|q=1|p/b=1|p/a=1",
		"--until 1h":           "",
		"--since 2999-01-01":   "",
		"--until 2999-01-01 q": "q=1",
	} {
		var found []string
		for _, set := range jsonOf[[]setOut](t, s.run(t, append([]string{"log", "-o", "json"}, strings.Fields(args)...)...).must(t, 0)) {
			found = append(found, strings.Join(texts(set.Changes), ","))
		}
		if got := strings.Join(found, "|"); got != want {
			t.Errorf("log %s: got %s, want %s", args, got, want)
		}
	}
	got := s.run(t, "log", "p").must(t, 0, "p/a deleted, was 2", "p/a 1 → 2", "p/b created: 1", "    no more\n", `an\x1b[31m error\nof mine`)
	if strings.ContainsRune(got.stdout, '\x1b') || !strings.Contains(got.stdout, position+"  20") {
		t.Errorf("got %q", got.stdout)
	}
	if got := s.run(t, "log", "p", "--limit", "2", "-o", "name").must(t, 0).stdout; !regexp.MustCompile(`^7-[0-9a-f]{8}\n` + position + `\n$`).MatchString(got) {
		t.Errorf("got %q", got)
	}
	for _, args := range []string{"log --limit 0", "log --exact", "log --since yesterday", "log a b", "log --by"} {
		s.run(t, strings.Fields(args)...).must(t, 2)
	}
	s.run(t, "log", "--by", "").must(t, 0)
	s.run(t, "log", "none").must(t, 0, "there are no such changes")
}

// TestLongSetInLog: a set of many changes is cut for people alone.
func TestLongSetInLog(t *testing.T) {
	s := newServer(t, nil)
	var args []string
	for i := range 30 {
		s.MustSet(t, fmt.Sprintf("n%02d", i), "1")
		args = append(args, fmt.Sprintf("n%02d", i))
	}
	s.run(t, append([]string{"delete"}, args...)...).must(t, 0)
	s.run(t, "log", "--limit", "1").must(t, 0, "n19 deleted, was 1\n  … and 10 changes more; -o json shows them")
	if sets := jsonOf[[]setOut](t, s.run(t, "log", "--limit", "1", "-o", "json")); len(sets) != 1 || len(sets[0].Changes) != 30 {
		t.Errorf("got %+v", sets)
	}
}

func TestDiff(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "staging/a=1", "staging/b=same", "staging/text=one\ntwo\nthree\n", "prod/a=2", "prod/b=same", "prod/old=x", "prod/text=one\n2\x1b[0m\nthree\n")
	then := s.positionOf(t)
	s.mustSetAll(t, "staging/a=3", "new=\x1b]0;evil\x07")
	s.run(t, "diff", then, "--prefix", "staging").must(t, 1, "~ staging/a: 1 → 3\n", "1 config differs between "+then)
	s.run(t, "diff", then, then).must(t, 0)
	s.run(t, "diff", then).must(t, 1, `+ new: \x1b]0;evil\a`)
	got := s.run(t, "diff", "--prefix", "staging", "--to-prefix", "prod/").must(t, 1,
		"~ a: 3 → 2\n+ old: x\n~ text:\n    @@ -1,3 +1,3 @@\n     one\n    -two\n    +2\\x1b[0m\n     three\n", "3 configs differ between staging at ")
	if strings.ContainsRune(got.stdout+got.stderr, '\x1b') {
		t.Errorf("got %q", got.stdout)
	}
	s.run(t, "diff", then, then, "--prefix", "prod", "--to-prefix", "staging").must(t, 1, "~ a: 2 → 1\n- old: x\n")
	if got := s.run(t, "diff", then, "-o", "name").must(t, 1).stdout; got != "new\nstaging/a\n" {
		t.Errorf("got %q", got)
	}
	found := jsonOf[struct {
		From, To    string
		Differences []struct{ Name string }
	}](t, s.run(t, "diff", then, "-o", "json").must(t, 1))
	if found.From != then || found.To != s.positionOf(t) || len(found.Differences) != 2 {
		t.Errorf("got %+v", found)
	}
	if got := s.runIn(t, process{terminal: 60}, "diff", then).must(t, 1).stdout; got != "\x1b[32m+ new: \\x1b]0;evil\\a\x1b[0m\n~ staging/a: 1 → 3\n" {
		t.Errorf("on a terminal: got %q", got)
	}
	if got := s.runIn(t, process{terminal: 12, env: map[string]string{"NO_COLOR": "1"}}, "diff", then).must(t, 1).stdout; got != "+ new: \\x1b…\n~ staging/a…\n" {
		t.Errorf("on a small terminal: got %q", got)
	}
	for _, args := range []string{"diff", "diff --prefix a", "diff --to-prefix a", "diff yesterday", "diff 1h 2h 3h"} {
		s.run(t, strings.Fields(args)...).must(t, 2)
	}
	s.run(t, "diff", "7-00c0ffee").must(t, 8, "never handed out that position")
}

// positionOf is the newest position of a server.
func (s *server) positionOf(t *testing.T) string {
	t.Helper()
	return jsonOf[[]setOut](t, s.run(t, "log", "--limit", "1", "-o", "json").must(t, 0))[0].Position
}

func TestRevert(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "a=1", "b=1")
	before := s.positionOf(t)
	s.run(t, "delete", "a", "b", "-m", "a mistake").must(t, 0)
	set := s.positionOf(t)
	s.run(t, "revert", set, "--dry-run").must(t, 0, "a restored: 1", "this is a dry run")
	mustEqual(t, "after a dry run", s.state(t, ""), nil)
	s.run(t, "restore", "b", "-m", "needed").must(t, 0)
	s.run(t, "set", "b", "2").must(t, 0)
	got := s.run(t, "revert", set).must(t, 4, "nothing was written", "b:", "--on-conflict skip")
	if strings.Contains(got.stderr, "configapi get NAME") {
		t.Errorf("got %s", got.stderr)
	}
	s.run(t, "revert", set, "--on-conflict", "skip", "-m", "back").must(t, 0, "a restored: 1")
	mustEqual(t, "a is back", s.state(t, ""), []string{"a=1", "b=2"})
	undo := s.positionOf(t)
	s.run(t, "log", "--limit", "1").must(t, 0, "(undoes "+set+")", "back")
	s.run(t, "revert", undo).must(t, 0, "a deleted")
	s.run(t, "revert", set, "--on-conflict", "overwrite").must(t, 0, "b 2 → 1")
	s.run(t, "set", "a", "5").must(t, 0)
	s.run(t, "revert", "--to", before, "--prefix", "a").must(t, 0, "a 5 → 1")
	s.run(t, "revert", "--to", before, "--prefix", "a").must(t, 0, "there is nothing to change")
	s.run(t, "revert", "9-00c0ffee").must(t, 8, "never handed out that position")
	for _, args := range []string{"revert", "revert x", "revert " + set + " --to 1h", "revert " + set + " --prefix a", "revert --to soon",
		"revert --to 1h --on-conflict skip", "revert " + set + " --on-conflict maybe"} {
		s.run(t, strings.Fields(args)...).must(t, 2)
	}
}

// TestPromoteAndRename shows in a dry run what is then done.
func TestPromoteAndRename(t *testing.T) {
	for name, test := range map[string]struct {
		args string
		want []string
	}{
		"promote":         {"promote staging prod", []string{"prod/a=1", "prod/b/c=2", "prod/gone=4", "prod/old=0", "prod=top", "staging/a=1", "staging/b/c=2", "staging/gone=4", "staging/same=3", "prod/same=3", "staging=top"}},
		"promote --prune": {"promote staging/ prod/ --prune", []string{"prod/a=1", "prod/b/c=2", "prod/gone=4", "prod=top", "staging/a=1", "staging/b/c=2", "staging/gone=4", "staging/same=3", "prod/same=3", "staging=top"}},
		"rename":          {"rename staging gone/new", []string{"gone/new/a=1", "gone/new/b/c=2", "gone/new/gone=4", "gone/new/same=3", "gone/new=top", "prod/a=9", "prod/old=0", "prod/same=3"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, nil)
			s.mustSetAll(t, "staging=top", "staging/a=1", "staging/b/c=2", "staging/same=3", "staging/gone=4",
				"prod/a=9", "prod/same=3", "prod/old=0", "prod/gone=4", "gone/new/a=9", "stagingx=1")
			for _, name := range []string{"prod/gone", "gone/new/a", "stagingx"} {
				s.MustDelete(t, name)
			}
			args := append(strings.Fields(test.args), "-o", "json")
			before := s.state(t, "")
			tried := jsonOf[setOut](t, s.run(t, append(args, "--dry-run")...).must(t, 0))
			mustEqual(t, "after the dry run", s.state(t, ""), before)
			done := jsonOf[setOut](t, s.run(t, append(args, "-m", "why")...).must(t, 0))
			if !tried.DryRun || done.DryRun {
				t.Errorf("got %+v and %+v", tried, done)
			}
			mustEqual(t, "what was done, and the dry run", texts(done.Revisions), texts(tried.Revisions))
			slices.Sort(test.want)
			got := s.state(t, "")
			slices.Sort(got)
			mustEqual(t, "then", got, test.want)
			if sets := jsonOf[[]setOut](t, s.run(t, "log", "--limit", "1", "-o", "json")); len(sets[0].Changes) != len(done.Revisions) || *sets[0].Reason != "why" {
				t.Errorf("it is not one set: %+v", sets)
			}
		})
	}
}

func TestPromoteAgain(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "a/x=1", "a/y=1")
	s.run(t, "promote", "a", "b", "-m", "first").must(t, 0, "2 changes")
	s.run(t, "promote", "a", "b", "--prune").must(t, 0, "there is nothing to change")
	s.run(t, "promote", "none", "b", "--prune").must(t, 3, "there is no config none, and none below it")
	s.mustSetAll(t, "c/z=1")
	s.run(t, "promote", "c", "b", "--dry-run", "--prune").must(t, 0, "b/x deleted", "b/y deleted")
	for _, args := range []string{"promote a", "promote a a", "promote a a/b", "promote a/b a", "promote a b c"} {
		s.run(t, strings.Fields(args)...).must(t, 2)
	}
	s.run(t, "promote", "a", "b//c").must(t, 8)
}

func TestRenameIsRefused(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "a/x=1", "a/y=1", "b/x=2")
	s.run(t, "rename", "a", "b").must(t, 4, "a new name is in use already: b/x")
	s.run(t, "rename", "none", "c").must(t, 3, "there is no config none")
	s.run(t, "rename", "a", "a/b").must(t, 2, "within the other")
	mustEqual(t, "then", s.state(t, ""), []string{"a/x=1", "a/y=1", "b/x=2"})
	s.run(t, "rename", "a/x", "c", "--yes").must(t, 0, "the history stays under the old names: configapi log a/x")
	s.run(t, "log", "a/x").must(t, 0, "a/x deleted, was 1", "a/x created: 1")
}

// TestSetsThatAreTooLarge are refused before anything is written.
func TestSetsThatAreTooLarge(t *testing.T) {
	s := newServer(t, nil)
	for i := range 501 {
		s.MustSet(t, fmt.Sprintf("a/n%03d", i), "1")
	}
	s.run(t, "rename", "a", "b").must(t, 8, "there are 1002 changes, and one set takes 1000", "at most 500 configs")
	s.run(t, "rename", "a", "b", "--dry-run").must(t, 8)
	mustEqual(t, "b", s.state(t, "b"), nil)
}

// TestQuestions: on a terminal, what is about to change is shown, and only y makes it.
func TestQuestions(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "a/x=1\x1b[2J")
	for answer, code := range map[string]int{"": 2, "n\n": 2, "yes please\n": 2} {
		got := s.runIn(t, process{terminal: 80, stdin: answer}, "promote", "a", "b").must(t, code, `b/x created: 1\x1b[2J`, "Make this change? [y/N]", "nothing was written")
		if strings.ContainsRune(got.stdout+got.stderr, '\x1b') {
			t.Errorf("got %+v", got)
		}
		mustEqual(t, "b", s.state(t, "b"), nil)
	}
	s.runIn(t, process{terminal: 80, stdin: "Y\n"}, "promote", "a", "b").must(t, 0)
	mustEqual(t, "b", s.state(t, "b"), []string{"b/x=1\x1b[2J"})
	s.runIn(t, process{terminal: 80}, "rename", "b", "c", "--yes").must(t, 0)
}

// TestHistoryInAContext: the prefix of a context is put before names and left out of what people
// see, and a context that confirms asks for its name alone.
func TestHistoryInAContext(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "team/a/x=1", "team/b/x=2", "a/x=other")
	file := filepath.Join(t.TempDir(), "config.yaml")
	content := "current: prod\ncontexts:\n  prod: {url: \"" + s.URL + "\", prefix: team, confirm: true}\n"
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(stdin string, terminal int, args ...string) result {
		t.Helper()
		return process{env: map[string]string{"CONFIGAPI_CONFIG": file}, stdin: stdin, terminal: terminal}.run(t, args...)
	}
	first := jsonOf[[]setOut](t, run("", 0, "log", "a", "-o", "json").must(t, 0))
	if len(first) != 1 || first[0].Changes[0].Name != "team/a/x" {
		t.Errorf("got %+v", first)
	}
	for args, want := range map[string]string{
		"log a":                         "  a/x created: 1\n",
		"diff 0-00000000":               "+ a/x: 1\n+ b/x: 2\n",
		"diff --prefix a --to-prefix b": "~ x: 1 → 2\n",
		"promote a b --dry-run":         "b/x 2 → 1",
		"rename a c --dry-run":          "c/x created: 1",
	} {
		code := 0
		if strings.HasPrefix(args, "diff") {
			code = 1
		}
		if got := run("", 0, strings.Fields(args)...).must(t, code, want); strings.Contains(got.stdout, "team/") {
			t.Errorf("%s: got %s", args, got.stdout)
		}
	}
	for _, args := range []string{"promote a b --yes", "rename a c", "revert " + first[0].Position, "revert --to 1h"} {
		run("", 0, strings.Fields(args)...).must(t, 2, "--confirm prod")
		run("y\n", 80, strings.Fields(args)...).must(t, 2, "Type the name of the context, prod")
	}
	mustEqual(t, "the configs", s.state(t, ""), []string{"a/x=other", "team/a/x=1", "team/b/x=2"})
	run("prod\n", 80, "promote", "a", "b").must(t, 0, "b/x 2 → 1")
	run("", 0, "rename", "a", "c", "--confirm", "prod").must(t, 0)
	mustEqual(t, "the configs", s.state(t, ""), []string{"a/x=other", "team/b/x=1", "team/c/x=1"})
}

// TestJSONCannotDriveATerminal also not by the control characters that JSON need not escape.
func TestJSONCannotDriveATerminal(t *testing.T) {
	s := newServer(t, nil)
	const value = "\u009b31m\x7f\u202e\U000e0001\x1b é→😀\n"
	s.MustSet(t, "a", value)
	for _, got := range []string{
		s.run(t, "get", "a", "-o", "json").must(t, 0).stdout,
		s.run(t, "log", "-o", "json").must(t, 0).stdout,
		s.begin(t, "watch", "--json", "--after", fromTheBeginning).next(t),
	} {
		if strings.ContainsAny(got, "\u009b\x7f\u202e\U000e0001\x1b") || !strings.Contains(got, "é→😀") {
			t.Errorf("got %q", got)
		}
		if !strings.Contains(got, `\u009b31m\u007f\u202e\udb40\udc01\u001b é→😀\n`) {
			t.Errorf("got %s", got)
		}
	}
	var found struct{ Value string }
	if err := json.Unmarshal([]byte(s.run(t, "get", "a", "-o", "json").stdout), &found); err != nil || found.Value != value {
		t.Errorf("got %q, %v", found.Value, err)
	}
}
