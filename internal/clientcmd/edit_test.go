package clientcmd_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"configapi/internal/processtest"
)

// editors is a folder with a script for each time that an editor opens. $1 is the edited file; each
// script leaves what it was given in seen-N.
type editors struct {
	*server
	dir string
}

// edit runs `edit` with editors that do these things in turn.
func (e *editors) edit(t *testing.T, p process, scripts []string, args ...string) result {
	t.Helper()
	e.dir = t.TempDir()
	for i, script := range scripts {
		if err := os.WriteFile(filepath.Join(e.dir, fmt.Sprintf("do-%d", i)), []byte(script+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := filepath.Join(e.dir, "editor")
	script := "#!/bin/sh\nset -e\ncd " + e.dir + "\nn=$(ls | grep -c seen || true)\ncp \"$1\" seen-$n\nls -ld \"$1\" \"$(dirname \"$1\")\" > modes\n. ./do-$n\n"
	if err := os.WriteFile(run, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	if p.env == nil {
		p.env = map[string]string{}
	}
	p.env["EDITOR"], p.env["XDG_RUNTIME_DIR"] = run, e.runtime()
	if err := os.MkdirAll(e.runtime(), 0o700); err != nil {
		t.Fatal(err)
	}
	got := e.runIn(t, p, append([]string{"edit"}, args...)...)
	if left, err := os.ReadDir(e.runtime()); err != nil || len(left) > 0 {
		t.Errorf("%v were left behind, %v", left, err)
	}
	return got
}

func (e *editors) runtime() string { return filepath.Join(e.dir, "runtime") }

// seen is what the editor was given the nth time.
func (e *editors) seen(t *testing.T, n int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, fmt.Sprint("seen-", n)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// set is a script of another user that sets configs while the editor is open.
func (e *editors) set(name, value string) string {
	return e.other("set", name, "'"+value+"'")
}

// other is a script of another user that runs a command while the editor is open.
func (e *editors) other(args ...string) string {
	return fmt.Sprintf("%s=1 %s %s --url %s >/dev/null\n", asProgram, os.Args[0], strings.Join(args, " "), e.URL)
}

func (e *editors) value(t *testing.T, name string) string {
	t.Helper()
	return e.run(t, "get", name).must(t, 0).stdout
}

func TestEditValue(t *testing.T) {
	e := &editors{server: newServer(t, nil)}
	e.mustSetAll(t, "a=1", "text=one\ntwo\nthree\n", "empty=")
	e.edit(t, process{}, []string{`echo 2 > "$1"`}, "a", "-m", "why").must(t, 0, "a updated, version 2")
	if got := e.value(t, "a"); got != "2" || e.seen(t, 0) != "1\n" {
		t.Errorf("got %q of %q", got, e.seen(t, 0))
	}
	modes, err := os.ReadFile(filepath.Join(e.dir, "modes"))
	if err != nil || !strings.HasPrefix(string(modes), "drwx------") || !strings.Contains(string(modes), "\n-rw-------") {
		t.Errorf("got %s, %v", modes, err)
	}
	e.edit(t, process{}, []string{`printf 'one\n2\nthree\n' > "$1"`}, "text").must(t, 0)
	if got := e.value(t, "text"); got != "one\n2\nthree\n" {
		t.Errorf("got %q", got)
	}
	e.edit(t, process{}, []string{`printf x > "$1"`}, "empty", "--dry-run").must(t, 0, "this is a dry run")
	e.edit(t, process{}, []string{`: > "$1"`}, "a").must(t, 0)
	e.edit(t, process{}, []string{`echo > "$1"`}, "empty").must(t, 0, "nothing was changed")
	e.edit(t, process{}, []string{`touch "$1"`}, "a").must(t, 0, "nothing was changed, and nothing was written")
	if got := e.value(t, "a"); got != "" {
		t.Errorf("got %q", got)
	}
	e.edit(t, process{}, []string{`exit 1`}, "a").must(t, 9, "nothing was written: the editor")
	e.edit(t, process{}, []string{`rm "$1"`}, "a").must(t, 9, "the editor has removed it")
	e.edit(t, process{}, []string{`printf '\377' > "$1"`, ""}, "a").must(t, 8, "is not valid UTF-8", "nothing was written")
	e.edit(t, process{}, nil, "none").must(t, 3, "there is no config none")
	e.edit(t, process{}, nil, "a//b").must(t, 8)
	e.edit(t, process{}, nil).must(t, 2)
	if sets := jsonOf[[]setOut](t, e.run(t, "log", "a", "-o", "json")); len(sets) != 3 || *sets[1].Reason != "why" {
		t.Errorf("got %+v", sets)
	}
}

func TestEditPrefix(t *testing.T) {
	e := &editors{server: newServer(t, nil)}
	e.mustSetAll(t, "p/a=1", "p/b=one\ntwo\n", "p/c=3", "p/gone=4", "p=top", "q=1")
	e.MustDelete(t, "p/gone")
	e.edit(t, process{}, []string{`sed -i -e 's/^p\/a: .*/p\/a: "5"/' -e '/^p\/c/d' "$1"; printf 'p/gone: back\np/new: "\\e[0m"\n' >> "$1"`}, "p/").must(t, 0, "4 changes")
	mustEqual(t, "the configs", e.state(t, ""), []string{"p=top", "p/a=5", "p/b=one\ntwo\n", "p/gone=back", "p/new=\x1b[0m", "q=1"})
	if got := e.seen(t, 0); !strings.Contains(got, "\np/b: |\n  one\n  two\np/c: \"3\"\n") || strings.Contains(got, "q:") {
		t.Errorf("got %s", got)
	}
	if sets := jsonOf[[]setOut](t, e.run(t, "log", "--limit", "1", "-o", "json")); len(sets[0].Changes) != 4 {
		t.Errorf("it is not one set: %+v", sets)
	}
	before := e.state(t, "")
	e.edit(t, process{}, []string{`: > "$1"`}, "p/").must(t, 0, "nothing was changed")
	e.edit(t, process{}, []string{`echo 'q: "2"' >> "$1"`, ""}, "p/").must(t, 8, "q is not below p", "nothing was written")
	e.edit(t, process{}, []string{`echo 'p/a: twice' >> "$1"`, `sed -i '$d' "$1"`}, "p/").must(t, 0, "the editor opens again", "nothing was changed")
	e.edit(t, process{}, []string{`echo 'p/x//y: "1"' >> "$1"`, ""}, "p/").must(t, 8, "nothing was written")
	mustEqual(t, "the configs", e.state(t, ""), before)
	e.edit(t, process{}, []string{`echo 'p/deep/x: "1"' >> "$1"`}, "p/").must(t, 0)
	e.edit(t, process{}, []string{`sed -i 's/"1"/"2"/' "$1"`}, "p/deep").must(t, 0, "p/deep/x updated") // no config has the name
}

// TestTwoPeopleEdit has another user write while the editor is open.
func TestTwoPeopleEdit(t *testing.T) {
	e := &editors{server: newServer(t, nil)}
	e.mustSetAll(t, "p/a=1", "p/b=1", "p/c=1", "text=one\ntwo\nthree\nfour\nfive\n")
	set := func(name, value string) string {
		return `sed -i 's#^` + name + `: .*#` + name + `: "` + value + `"#' "$1"` + "\n"
	}

	// Other configs, and other lines of one value, are merged.
	e.edit(t, process{}, []string{e.set("p/b", "theirs") + set("p/a", "ours")}, "p/").must(t, 0, "p/a updated")
	mustEqual(t, "the configs", e.state(t, "p"), []string{"p/a=ours", "p/b=theirs", "p/c=1"})
	e.edit(t, process{}, []string{e.set("text", "ONE\ntwo\nthree\nfour\nfive\n") + `sed -i s/five/FIVE/ "$1"`}, "text").must(t, 0, "both changes are merged")
	if got := e.value(t, "text"); got != "ONE\ntwo\nthree\nfour\nFIVE\n" {
		t.Errorf("got %q", got)
	}

	// What both have changed comes back with both versions, and others may write even then.
	resolve := `sed -i -e '/^<<<<<<< /d' -e '/^=======$/,/^>>>>>>> /d' "$1"`
	e.edit(t, process{}, []string{e.set("p/c", "2") + set("p/c", "3") + set("p/a", "also"), e.set("p/b", "4") + resolve}, "p/").must(t, 0, "both versions are in the editor")
	if got := e.seen(t, 1); !strings.Contains(got, "<<<<<<< yours\np/c: \"3\"\n=======\np/c: \"2\"\n>>>>>>> theirs\n") || !strings.Contains(got, `p/a: "also"`) {
		t.Errorf("got %s", got)
	}
	mustEqual(t, "the configs", e.state(t, "p"), []string{"p/a=also", "p/b=4", "p/c=3"})
	e.edit(t, process{}, []string{e.set("p/a", "6") + `echo 7 > "$1"`, resolve}, "p/a").must(t, 0)
	if got := e.value(t, "p/a"); got != "7" || e.seen(t, 1) != "<<<<<<< yours\n7\n=======\n6\n>>>>>>> theirs\n" {
		t.Errorf("got %q of %q", got, e.seen(t, 1))
	}

	// The same change of both is none.
	e.edit(t, process{}, []string{e.set("p/a", "8") + `echo 8 > "$1"`}, "p/a").must(t, 0, "nothing was changed")

	// What is not resolved is not written.
	e.edit(t, process{}, []string{e.set("p/a", "9") + `echo 10 > "$1"`, ""}, "p/a").must(t, 4, "nothing was written: there are still marks")
	e.edit(t, process{}, []string{e.set("p/a", "11") + `echo 12 > "$1"`, "echo x >> \"$1\"", ""}, "p/a").must(t, 4, "the editor opens again")
	if got := e.value(t, "p/a"); got != "11" {
		t.Errorf("got %q", got)
	}

	// A config that is gone meanwhile is a conflict, too, and comes back when the user wants it.
	gone := e.other("delete", "p/a")
	e.edit(t, process{}, []string{gone + `echo 13 > "$1"`, resolve}, "p/a").must(t, 0, "p/a restored")
	if got := e.value(t, "p/a"); got != "13" {
		t.Errorf("got %q", got)
	}
	e.edit(t, process{}, []string{gone + set("p/a", "14"), resolve}, "p/").must(t, 0, "p/a restored")
}

// typed is an input that has a text.
func typed(t *testing.T, text string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// TestEditThatIsRefused: on a terminal, changes that could not be written come back to the editor.
func TestEditThatIsRefused(t *testing.T) {
	var refused atomic.Bool
	e := &editors{server: newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && !refused.Swap(true) {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"detail":"not yet","code":"FORBIDDEN"}`)
				return
			}
			next.ServeHTTP(w, r)
		})
	})}
	e.MustSet(t, "a", "1")
	scripts := []string{`echo 2 > "$1"`, ""}
	e.edit(t, process{}, scripts, "a").must(t, 5, "not yet")
	refused.Store(false)
	e.edit(t, process{terminal: 80, file: typed(t, "\n")}, scripts, "a").must(t, 5, "not yet\nOpen the editor again, with your changes? [y/N]")
	refused.Store(false)
	e.edit(t, process{terminal: 80, file: typed(t, "y\n")}, scripts, "a").must(t, 0, "a updated")
	if got := e.value(t, "a"); got != "2" || e.seen(t, 1) != "2\n" {
		t.Errorf("got %q, of %q", got, e.seen(t, 1))
	}
}

// TestEditThatIsNotConfirmed: a mistyped name of the context does not lose the changes.
func TestEditThatIsNotConfirmed(t *testing.T) {
	e := &editors{server: newServer(t, nil)}
	e.MustSet(t, "a", "1")
	env := contexts(t, "current: prod\ncontexts:\n  prod: {url: %q, confirm: true}\n", e.URL)
	p := process{env: env, terminal: 80, file: typed(t, "prd\ny\nprod\n")}
	e.edit(t, p, []string{`echo 2 > "$1"`, ""}, "a").must(t, 0, "Open the editor again, with your changes?", "a updated")
	if got := e.value(t, "a"); got != "2" || e.seen(t, 1) != "2\n" {
		t.Errorf("got %q, of %q", got, e.seen(t, 1))
	}
}

// TestInterruptInAnEditor: ^C is a key of editors, and does not lose what was typed. Both may come
// more than once.
func TestInterruptInAnEditor(t *testing.T) {
	s := newServer(t, nil)
	s.MustSet(t, "a", "1")
	cmd := exec.Command(os.Args[0], "edit", "a", "--url", s.URL)
	cmd.Env = append(os.Environ(), asProgram+"=1", "VISUAL=", "EDITOR=kill -INT $PPID; kill -INT $PPID; echo 2 >")
	p, err := processtest.Start(cmd, filepath.Join(t.TempDir(), "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	<-p.Done()
	if got := s.run(t, "get", "a").must(t, 0).stdout; got != "2" {
		t.Errorf("got %q: %s", got, p.Log())
	}
}

// TestInterruptedEditor: nothing of the file remains when the command is interrupted.
func TestInterruptedEditor(t *testing.T) {
	s := newServer(t, nil)
	s.MustSet(t, "a", "secret")
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP} {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "edit", "a", "--url", s.URL)
		cmd.Env = append(os.Environ(), asProgram+"=1", "VISUAL=", "EDITOR=echo it is open; exec sleep 600; :", "XDG_RUNTIME_DIR="+dir)
		p, err := processtest.Start(cmd, filepath.Join(t.TempDir(), "log"), syscall.SIGKILL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Kill)
		open := func(context.Context) bool { return strings.Contains(p.Log(), "it is open") }
		if err := p.Await(t.Context(), open); err != nil {
			t.Fatal(err)
		}
		if files, err := filepath.Glob(filepath.Join(dir, "*", "value.txt")); err != nil || len(files) != 1 {
			t.Errorf("got the files %v, %v", files, err)
		}
		_ = p.Stop(signal, time.Minute) // it ends with an error, as it should
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("after %v, %v were left behind, %v: %s", signal, left, err, p.Log())
		}
	}
}
