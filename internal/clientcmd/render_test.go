package clientcmd_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/slowtest"
)

func mustHaveFile(t *testing.T, path, want string, mode fs.FileMode) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil || string(text) != want {
		t.Errorf("%s has %.200q, %v, want %.200q", path, text, err, want)
	}
	if info, err := os.Stat(path); err == nil && info.Mode() != mode {
		t.Errorf("%s has the mode %v, want %v", path, info.Mode(), mode)
	}
}

// mustHaveFiles fails the test unless a folder has exactly so many files.
func mustHaveFiles(t *testing.T, folder string, want int) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != want {
		t.Errorf("got %v, %v, want %d files", entries, err, want)
	}
}

func TestRender(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "p/host=db", "p/port=1", "q/port=2")
	t.Chdir(t.TempDir())
	write(t, ".", "a.tmpl", `{{get "host"}}:{{get "port"}}`)
	write(t, ".", "whole.tmpl", `{{get "p/host"}} {{position}}`)

	s.run(t, "render", "a.tmpl", "a.conf", "--prefix", "p", "--dry-run").must(t, 1, "--- a.conf does not exist", "+db:1", "1 file differs")
	s.run(t, "render", "a.tmpl", "a.conf", "--prefix", "p").must(t, 0, "a.conf written, position 3-")
	mustHaveFile(t, "a.conf", "db:1", 0o600)
	s.run(t, "render", "a.tmpl", "a.conf", "--prefix", "p", "--exec", "touch x").must(t, 0, "a.conf is the same")
	s.run(t, "render", "a.tmpl", "a.conf", "--prefix", "p", "--dry-run").must(t, 0)
	if err := os.Chmod("a.conf", 0o640); err != nil {
		t.Fatal(err)
	}
	s.run(t, "render", "a.tmpl", "a.conf", "--prefix", "p", "--prefix", "q", "-o", "json",
		"--check", `grep -q db:2 "$1" && test "$2" = a.conf && ! grep -q db:2 "$2"`, "--exec", `echo $CONFIGAPI_POSITION $CONFIGAPI_URL > position`).
		must(t, 0, `"written": true`)
	mustHaveFile(t, "a.conf", "db:2", 0o640)
	if position, err := os.ReadFile("position"); err != nil || !strings.HasPrefix(string(position), "3-") || strings.Contains(string(position), "http") {
		t.Errorf("got %s, %v", position, err)
	}
	got := s.run(t, "render", "whole.tmpl", "-").must(t, 0)
	if !strings.HasPrefix(got.stdout, "db 3-") || strings.Contains(got.stdout, "\n") || got.stderr != "" {
		t.Errorf("got %+v", got)
	}
	s.runIn(t, process{stdin: `{{get "p/host"}}`}, "render", "-", "-").must(t, 0, "db")
	s.run(t, "render", "a.tmpl", "b.conf", "whole.tmpl", "c.conf", "--prefix", "p").must(t, 3, "p/host")
	s.run(t, "render", "whole.tmpl", "b.conf", "whole.tmpl", "c.conf", "--mode", "0644", "-o", "name", "--exec", "echo x >> ran").must(t, 0, "b.conf\nc.conf\n")
	mustHaveFile(t, "ran", "x\n", 0o644)
	mustHaveFiles(t, ".", 7)
}

// TestRenderFails: the old file stays, and the error says why.
func TestRenderFails(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "a=1")
	t.Chdir(t.TempDir())
	write(t, ".", "good", `{{get "a"}}`)
	write(t, ".", "missing", `{{get "x"}}{{get "y"}}`)
	write(t, ".", "loop", `{{range 10000000}}{{end}}`)
	write(t, ".", "broken", `{{`)
	write(t, ".", "out", "old")
	for _, row := range []struct {
		args string
		code int
		says string
	}{
		{"missing out", 3, "x, y; create them"},
		{"good out missing other", 3, "x, y"},
		{"loop out", 8, "a loop is too long"},
		{"broken out", 2, "broken:1"},
		{"none out", 2, "reading the template"},
		{"good out --check false", 8, "the check of out failed, so it stays as it is: exit status 1"},
		{"good other good out --check false", 8, "the check of other failed"},
		{"good no/out", 9, "no such file"},
		{"good .", 9, "a folder"},
		{"good out more", 2, "one OUT for each TEMPLATE"},
		{"good good", 2, "twice"},
		{"good other good ./other", 2, "twice"},
		{"good - --watch", 2, "for one template alone"},
		{"good out --mode 1777", 2, "--mode"},
		{"good out --watch --dry-run", 2, "not both"},
		{"good out --dry-run --exec x", 2, "leave --exec out"},
		{"good out --max-stale 1s", 2, "needs --cache"},
		{"good out --timeout 0", 2, "must be positive"},
		{"good out --prefix /", 2, "--prefix is empty"},
		{"good out --prefix a//b", 8, "a//b"},
		{"good out --prefix a --prefix a/", 2, `--prefix "a" is empty or given twice`},
		{"good out" + strings.Repeat(" --prefix a", 11), 2, "--prefix is given 11 times"},
		{"good . --dry-run", 9, "no regular file"},
		{"good out -o x", 2, "-o must be"},
		{"good", 2, "write `configapi render"},
	} {
		s.run(t, append([]string{"render"}, strings.Fields(row.args)...)...).must(t, row.code, row.says)
	}
	mustHaveFile(t, "out", "old", 0o600)
	mustHaveFiles(t, ".", 5)
	s.run(t, "render", "good", "out", "--exec", "exit 3").must(t, 9, "out written", "--exec failed, after the files were written: exit status 3")
	s.run(t, "render", "good", "out", "--check", "sleep 60", "--timeout", "1ms").must(t, 0, "out is the same")
	write(t, ".", "out", "old")
	s.run(t, "render", "good", "out", "--check", "sleep 60 & wait", "--timeout", "1ms").must(t, 8, "took longer than 1ms")
	mustHaveFile(t, "out", "old", 0o600)
	env := map[string]string{"CONFIGAPI_TOKEN": s.mustIssue(t, "ops")}
	s.mustIssue(t, "other")
	s.runIn(t, process{env: env}, "render", "good", "-", "--cache", "cache").must(t, 0, "1")
	s.MustRevoke(t, "ops")
	s.runIn(t, process{env: env}, "render", "good", "-", "--cache", "cache").must(t, 5)
}

// TestRenderOfHostileValues: a value is never executed, and is the same byte for byte.
func TestRenderOfHostileValues(t *testing.T) {
	s := newServer(t, nil)
	t.Chdir(t.TempDir())
	write(t, ".", "a.tmpl", `{{get "v"}}`)
	for _, value := range []string{"", "{{get \"x\"}}", "$(touch x)`touch x`';touch x;'", "\x1b]0;x\a\r\n\u2028", strings.Repeat("é", 1<<19)} {
		s.MustSet(t, "v", value)
		s.run(t, "render", "a.tmpl", "a.conf", "--check", `cat "$1" > /dev/null`).must(t, 0)
		mustHaveFile(t, "a.conf", value, 0o600)
	}
	mustHaveFiles(t, ".", 2)
	s.MustSet(t, "v", "\x1b[31m")
	if got := s.run(t, "render", "a.tmpl", "a.conf", "--dry-run").must(t, 1); strings.Contains(got.stdout, "\x1b[31m") {
		t.Errorf("got %q", got.stdout)
	}
}

// TestRenderWatch makes a file of each change set whole, and says when it fails and when not.
func TestRenderWatch(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "p/a=0", "p/b=0")
	t.Chdir(t.TempDir())
	write(t, ".", "a.tmpl", `{{get "a"}}={{get "b"}}`)
	w := s.begin(t, "render", "a.tmpl", "a.conf", "--prefix", "p", "--watch", "--check", `! grep -q bad "$1"`, "--exec", `cat a.conf >> seen && echo >> seen`)
	if got := w.next(t); !strings.HasPrefix(got, "a.conf written, position 2-") {
		t.Errorf("got %s", got)
	}
	write(t, ".", "set.yaml", "p/a: bad\np/b: bad\n")
	s.run(t, "import", "set.yaml").must(t, 0)
	if got := w.stderr.next(t); !strings.Contains(got, "the check of a.conf failed") {
		t.Errorf("got %s", got)
	}
	mustHaveFile(t, "a.conf", "0=0", 0o600)
	s.run(t, "delete", "p/a").must(t, 0)
	if got := w.stderr.next(t); !strings.Contains(got, "asks for configs that are not there at 5-") {
		t.Errorf("got %s", got)
	}
	write(t, ".", "set.yaml", "p/a: x\np/b: x\n")
	s.run(t, "import", "set.yaml", "--restore-deleted").must(t, 0)
	if got := w.next(t); !strings.HasPrefix(got, "a.conf written, position 7-") {
		t.Errorf("got %s", got)
	}
	if got := w.stderr.next(t); !strings.Contains(got, "as they should be again") {
		t.Errorf("got %s", got)
	}
	w.stop(t)
	mustHaveFile(t, "seen", "0=0\nx=x\n", 0o644)
	s.run(t, "render", "a.tmpl", "a.conf", "--watch", "-o", "json").must(t, 2)
}

// next returns the next line.
func (o *output) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-o.lines:
		return line
	case <-time.After(time.Minute):
		t.Fatal("there is no more output")
	}
	return ""
}

// TestRenderWatchTriesAgain: a command that fails runs again, though the file is the same.
func TestRenderWatchTriesAgain(t *testing.T) {
	s := newServer(t, nil)
	s.MustSet(t, "a", "1")
	t.Chdir(t.TempDir())
	write(t, ".", "a.tmpl", `{{get "a"}}`)
	w := s.begin(t, "render", "a.tmpl", "a.conf", "--watch", "--exec", "test -e once || { touch once; exit 3; }")
	if got := w.next(t); !strings.HasPrefix(got, "a.conf written") {
		t.Errorf("got %s", got)
	}
	for _, want := range []string{"--exec failed", "as they should be again"} {
		if got := w.stderr.next(t); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	w.stop(t)
}

// TestRenderWithoutTheServer starts from the cache when the server is down, and goes on when it is
// there again.
func TestRenderWithoutTheServer(t *testing.T) {
	var down atomic.Bool
	s := newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if down.Load() {
				http.Error(w, "down", http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	s.MustSet(t, "a", "1")
	t.Chdir(t.TempDir())
	write(t, ".", "a.tmpl", `{{get "a"}}`)
	s.run(t, "render", "a.tmpl", "a.conf", "--cache", "cache").must(t, 0)
	mustHaveFile(t, "a.conf", "1", 0o600)
	if err := os.Remove("a.conf"); err != nil {
		t.Fatal(err)
	}
	down.Store(true)
	w := s.begin(t, "render", "a.tmpl", "a.conf", "--cache", "cache", "--watch")
	if got := w.next(t); !strings.HasPrefix(got, "a.conf written, position 1-") {
		t.Errorf("got %s", got)
	}
	if got := w.stderr.next(t); !strings.Contains(got, "the configs are from ") {
		t.Errorf("got %s", got)
	}
	s.MustSet(t, "a", "2")
	down.Store(false)
	if got := w.next(t); !strings.HasPrefix(got, "a.conf written, position 2-") {
		t.Errorf("got %s", got)
	}
	w.stop(t)
	mustHaveFile(t, "a.conf", "2", 0o600)
}

// TestRenderWholeSets has many change sets, each of which gives two configs one value, and a reader
// that looks at the file all the time.
func TestRenderWholeSets(t *testing.T) {
	sets := slowtest.Rounds(40, 1000)
	s := newServer(t, nil)
	s.mustSetAll(t, "p/a=0", "p/b=0")
	dir := t.TempDir()
	write(t, dir, "a.tmpl", `{{get "a"}}={{get "b"}}`)
	out := filepath.Join(dir, "a.conf")
	w := s.begin(t, "render", filepath.Join(dir, "a.tmpl"), out, "--prefix", "p", "--watch")
	w.next(t)
	look := func() string {
		text, err := os.ReadFile(out)
		a, b, _ := strings.Cut(string(text), "=")
		if err != nil || a != b || a == "" {
			t.Fatalf("got %q, %v", text, err)
		}
		return a
	}
	for i := 1; i <= sets; i++ {
		write(t, dir, "set.yaml", fmt.Sprintf("p/a: %q\np/b: %q\n", fmt.Sprint(i), fmt.Sprint(i)))
		s.run(t, "import", filepath.Join(dir, "set.yaml")).must(t, 0)
		look()
	}
	for look() != fmt.Sprint(sets) {
		w.next(t)
	}
	w.stop(t)
	mustHaveFiles(t, dir, 3)
}

// TestRenderWatchWithARevokedToken: the file stays, the reason is said, and a new token in the file
// is used.
func TestRenderWatchWithARevokedToken(t *testing.T) {
	s := newServer(t, nil)
	as := process{env: map[string]string{"CONFIGAPI_URL": s.URL, "CONFIGAPI_TOKEN": s.mustIssue(t, "admin")}}
	as.run(t, "set", "a", "1").must(t, 0)
	t.Chdir(t.TempDir())
	write(t, ".", "a.tmpl", `{{get "a"}}`)
	write(t, ".", "token", s.mustIssue(t, "first")+"\n")
	w := s.beginIn(t, map[string]string{"CONFIGAPI_TOKEN_FILE": "token"}, "render", "a.tmpl", "a.conf", "--watch", "--cache", "cache")
	if got := w.next(t); !strings.HasPrefix(got, "a.conf written") {
		t.Errorf("got %s", got)
	}
	as.run(t, "token", "revoke", "first").must(t, 0)
	if got := w.stderr.next(t); !strings.HasPrefix(got, "configapi: ") || !strings.Contains(got, "token") || strings.Contains(got, "cfg_") {
		t.Errorf("got %s, want what is wrong with the token", got)
	}
	as.run(t, "set", "a", "2").must(t, 0)
	mustHaveFile(t, "a.conf", "1", 0o600)
	write(t, ".", "token", s.mustIssue(t, "second")+"\n")
	if got := w.next(t); !strings.HasPrefix(got, "a.conf written") {
		t.Errorf("got %s", got)
	}
	w.stop(t)
	mustHaveFile(t, "a.conf", "2", 0o600)
}
