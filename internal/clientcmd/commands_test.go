package clientcmd_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"configapi/client/rest"
)

// mustDecode decodes the JSON that a command has printed.
func mustDecode(t *testing.T, r result, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.stdout), into); err != nil || r.code != 0 {
		t.Fatalf("got %+v, %v, want JSON", r, err)
	}
}

// TestGet prints a value byte for byte into a pipe. On a terminal it cannot drive it, and ends its
// line.
func TestGet(t *testing.T) {
	s := newServer(t, nil)
	const value = "a\x1b[31mred\u202e\n\tb"
	before := s.MustSet(t, "p/a", "old")
	s.MustSet(t, "p/a", value)
	if got := s.run(t, "get", "p/a"); got.stdout != value || got.code != 0 {
		t.Errorf("got %+v, want the bytes of the value", got)
	}
	terminal := process{terminal: 80}
	if got := s.runIn(t, terminal, "get", "p/a"); got.stdout != "a\\x1b[31mred\\u202e\n\tb\n" {
		t.Errorf("got %+v, want nothing that drives a terminal", got)
	}
	if got := s.runIn(t, terminal, "get", "p/a", "--raw"); got.stdout != value {
		t.Errorf("got %+v, want the bytes of the value", got)
	}
	s.run(t, "get", "p/a", "--at", before.Position.String()).must(t, 0, "old")
	s.run(t, "get", "p/a", "--at", "2h").must(t, 3, "there was no config p/a at 2")
	var found rest.Config
	mustDecode(t, s.run(t, "get", "p/a", "-o", "json"), &found)
	if *found.Value != value || found.Version != 2 || found.Position == "" || found.UpdatedAt.IsZero() {
		t.Errorf("got %+v", found)
	}
	s.run(t, "get", "p/a", "-o", "yaml").must(t, 0, "name: p/a\n", "version: 2\n")
	s.run(t, "get", "p/a", "-o", "name").must(t, 0, "p/a\n")
}

// TestSet takes the value from a word, standard input or a file, and says what it did. Values that
// may be secrets are not shown.
func TestSet(t *testing.T) {
	s := newServer(t, nil)
	file := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "set", "a", "3", "-m", "to begin").must(t, 0, "a created: 3, version 1, position 1-")
	s.run(t, "set", "a", "5").must(t, 0, "a 3 → 5, version 2, position 2-")
	s.run(t, "set", "a", "").must(t, 0, `a 5 → "", version 3`)
	s.run(t, "set", "a", "", "--only-if-changed").must(t, 0, "a has that value already; nothing was written")
	if got := s.runIn(t, process{stdin: "secret\n"}, "set", "a", "-"); strings.Contains(got.stdout+got.stderr, "secret") || !strings.Contains(got.stdout, "a updated, version 4") {
		t.Errorf("got %+v, want no value", got)
	}
	if got := s.run(t, "get", "a"); got.stdout != "secret\n" {
		t.Errorf("got %+v, want the line feed too", got)
	}
	s.runIn(t, process{stdin: "x\n", terminal: 80}, "set", "a").must(t, 0, "type the value", "the value ends with a line feed")
	s.run(t, "set", "a", "--file", file).must(t, 0, "version 6")
	s.run(t, "get", "a").must(t, 0, "from a file\n")
	s.run(t, "set", "a", "b", "--file", file).must(t, 2, "only one of VALUE and --file")
	s.run(t, "set", "a", "--file", file+".no").must(t, 2, "no such file")
	s.run(t, "set", "a", "b", "--create", "--if-version", "3").must(t, 2, "only one of --create")
	s.run(t, "set", "a", "b", "--if-version", "6", "--dry-run").must(t, 0, "a from a file\\n → b, version 7; nothing was written", "dry run")
	s.run(t, "set", "a", "b", "--if-version", "6").must(t, 0, "version 7")
	var done rest.Result
	mustDecode(t, s.run(t, "set", "a", "c", "-m", "why not", "-o", "json"), &done)
	if r := done.Revisions[0]; r.Name != "a" || *r.Value != "c" || *r.OldValue != "b" || *r.Reason != "why not" || done.DryRun || done.Position != r.Position {
		t.Errorf("got %+v", done)
	}
}

// TestDeleteAndRestore treats several configs together or not at all.
// TestTextsThatAreNotUTF8: JSON would have another character for their bytes, and nobody would see.
func TestTextsThatAreNotUTF8(t *testing.T) {
	s := newServer(t, nil)
	const wrong = "a\xffb"
	file := write(t, t.TempDir(), "value", wrong)
	for _, args := range [][]string{{"set", "a", wrong}, {"set", "a", "--file", file}, {"set", "a"}, {"set", "a", "b", "-m", wrong}, {"set", "a", "b", "-m", wrong, "--dry-run"}} {
		s.runIn(t, process{stdin: wrong}, args...).must(t, 8, "nothing was written", "is not valid UTF-8")
	}
	s.run(t, "get", "a").must(t, 3)
}

func TestDeleteAndRestore(t *testing.T) {
	s := newServer(t, nil)
	for _, name := range []string{"a", "b", "c"} {
		s.MustSet(t, name, "value of "+name)
	}
	s.run(t, "delete", "a", "no", "b", "nor").must(t, 3, "nothing was written, for 2 reasons:\n  no: there is no config of this name\n  nor: there is")
	s.run(t, "delete", "a", "b", "--if-version", "1").must(t, 2, "one NAME")
	s.run(t, "delete", "a", "--if-version", "2").must(t, 4)
	s.run(t, "delete", "a", "b", "-m", "no more").must(t, 0, "a deleted, version 2\nb deleted, version 2\n2 changes, position 5-")
	s.run(t, "list", "--deleted").must(t, 0, "NAME  VERSION  DELETED", "no more  value of b\n")
	s.run(t, "list", "--deleted", "-o", "name").must(t, 0, "b\na\n")
	s.run(t, "restore", "a", "c").must(t, 4, "not deleted")
	s.run(t, "restore", "a", "b").must(t, 0, "a restored: value of a, version 3\n", "2 changes, position 7-")
	s.run(t, "list", "-o", "name").must(t, 0, "a\nb\nc\n")
	s.run(t, "list", "--deleted", "--at", "2h").must(t, 2, "leave --at out")
}

// TestDeleteBelow deletes what a prefix has, after a question on a terminal.
func TestDeleteBelow(t *testing.T) {
	s := newServer(t, nil)
	const many = 1100 // more than one set
	for i := range many {
		s.MustSet(t, fmt.Sprintf("many/%04d", i), "x")
	}
	for _, name := range []string{"a", "a/b", "a/c/d", "ab"} {
		s.MustSet(t, name, "x")
	}
	terminal := func(answer string) process { return process{stdin: answer, terminal: 80} }
	s.run(t, "delete", "-r", "a", "none").must(t, 3, "there is no config none", "nothing was written")
	s.run(t, "delete", "-r", "a", "--if-version", "1").must(t, 2)
	s.runIn(t, terminal("n\n"), "delete", "-r", "a").must(t, 2, "  delete a\n  delete a/b\n  delete a/c/d\nDelete 3 configs? [y/N]", "nothing was written")
	s.run(t, "delete", "-r", "a", "--dry-run").must(t, 0, "3 changes; nothing was written")
	s.runIn(t, terminal("y\n"), "delete", "-r", "a/", "a/c", "-m", "old").must(t, 0, "a/c/d deleted, version 2\n3 changes, position")
	s.run(t, "list", "a", "-o", "name").must(t, 0, "none at or below")
	s.run(t, "list", "ab", "-o", "name").must(t, 0, "ab\n")
	s.run(t, "delete", "-r", "many").must(t, 0, "2 change sets, one after the other", "1100 changes, position")
	if got := s.run(t, "list", "-o", "name"); got.stdout != "ab\n" {
		t.Errorf("got %+v, want one config that is left", got)
	}
}

// TestTables have lines that are as wide as the terminal at most. In a pipe nothing is cut.
func TestTables(t *testing.T) {
	s := newServer(t, nil)
	long := strings.Repeat("0123456789", 20)
	s.MustSet(t, "shop/long", long)
	s.MustSet(t, "shop/wide", strings.Repeat("界", 80))
	s.MustSet(t, "shop/control", "a\x1b]0;title\x07\nb")
	before := s.MustSet(t, "shop", "the shop").Position.String()
	s.MustSet(t, "shop/new/x", "1")
	for _, width := range []int{40, 80, 160} {
		for _, args := range [][]string{{"list"}, {"tree", "shop"}} {
			got := s.runIn(t, process{terminal: width}, args...)
			for _, line := range strings.Split(got.stdout, "\n") {
				if n := utf8.RuneCountInString(line) + strings.Count(line, "界"); n > width && width > 40 {
					t.Errorf("%q at %d columns: got %d of them in %q", args, width, n, line)
				}
			}
			got.must(t, 0, "…", `\x1b]`)
		}
	}
	s.run(t, "list", "shop").must(t, 0, long+"\n", `a\x1b]0;title\a\nb`)
	s.run(t, "tree").must(t, 0, "NAME   BELOW  VALUE\nshop          the shop\nshop/  4\n")
	s.run(t, "tree", "shop").must(t, 0, "shop/\nNAME     BELOW  VALUE\n", "new/     1\n")
	if got := s.run(t, "list", "--at", before, "-o", "name"); got.stdout != "shop\nshop/control\nshop/long\nshop/wide\n" {
		t.Errorf("got %+v, want the names of then", got)
	}
	s.run(t, "list", "nothing").must(t, 0, "none at or below nothing")
	var listed []rest.Config
	mustDecode(t, s.run(t, "list", "shop/new", "-o", "json"), &listed)
	if len(listed) != 1 || listed[0].Version != 1 || listed[0].CreatedAt.IsZero() {
		t.Errorf("got %+v", listed)
	}
	mustDecode(t, s.run(t, "list", "nothing", "-o", "json"), &listed)
	if len(listed) != 0 {
		t.Errorf("got %+v, want an empty list", listed)
	}
	var children []rest.Child
	mustDecode(t, s.run(t, "tree", "shop", "-o", "json"), &children)
	if len(children) != 4 || children[2].Segment != "new" || children[2].Below != 1 || children[2].Config != nil {
		t.Errorf("got %+v", children)
	}
}
