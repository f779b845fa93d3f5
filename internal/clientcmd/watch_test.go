package clientcmd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"configapi/internal/auth"
	"configapi/internal/cli"
	"configapi/internal/config"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/fault"
	"configapi/internal/slowtest"
)

// output is what a command that runs has printed so far, line by line.
type output struct {
	lines chan string

	mu   sync.Mutex // guards rest
	rest string
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.rest += string(p)
	for {
		line, rest, ended := strings.Cut(o.rest, "\n")
		if !ended {
			return len(p), nil
		}
		o.rest = rest
		o.lines <- line
	}
}

// running is a command that runs beside the test.
type running struct {
	stdout, stderr *output
	cancel         context.CancelFunc
	ended          chan int
}

// begin begins a command in this process.
func (s *server) begin(t *testing.T, args ...string) *running {
	t.Helper()
	return s.beginIn(t, nil, args...)
}

func (s *server) beginIn(t *testing.T, own map[string]string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	r := &running{&output{lines: make(chan string, 10_000)}, &output{lines: make(chan string, 10_000)}, cancel, make(chan int, 1)}
	env := map[string]string{"CONFIGAPI_URL": s.URL}
	maps.Copy(env, own)
	go func() {
		r.ended <- cli.Run(ctx, cli.Env{Args: args, Getenv: func(key string) string { return env[key] }, Stdin: strings.NewReader(""), Stdout: r.stdout, Stderr: r.stderr})
	}()
	t.Cleanup(cancel)
	return r
}

// next returns the next line of the output.
func (r *running) next(t *testing.T) string {
	t.Helper()
	select {
	case line := <-r.stdout.lines:
		return line
	case code := <-r.ended:
		t.Fatalf("the command has ended with %d: %s", code, r.stderr.all())
	case <-time.After(time.Minute):
		t.Fatal("there is no more output")
	}
	return ""
}

// all returns the lines that were not taken yet.
func (o *output) all() (text string) {
	for {
		select {
		case line := <-o.lines:
			text += line + "\n"
		default:
			return text
		}
	}
}

// stop interrupts the command, which then ends well.
func (r *running) stop(t *testing.T) {
	t.Helper()
	r.cancel()
	r.mustEnd(t, 0)
}

func (r *running) mustEnd(t *testing.T, code int, says ...string) {
	t.Helper()
	select {
	case got := <-r.ended:
		text := r.stderr.all()
		for _, say := range says {
			if !strings.Contains(text, say) {
				t.Errorf("got %q, want %q", text, say)
			}
		}
		if got != code {
			t.Errorf("got the exit code %d, want %d: %s", got, code, text)
		}
	case <-time.After(time.Minute):
		t.Fatal("the command does not end")
	}
}

const fromTheBeginning = "0-00000000"

func TestWatch(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "p/a=1", "q=1", "p/b=1")
	lines := s.begin(t, "watch", "p", "--after", fromTheBeginning)
	objects := s.begin(t, "watch", "p", "--after", fromTheBeginning, "--json")
	positions := s.begin(t, "watch", "--after", fromTheBeginning, "-o", "name")
	s.run(t, "delete", "p/a", "p/b", "-m", "why\x1b[0m").must(t, 0)
	s.MustSet(t, "p/c", strings.Repeat("\x1b", 100)+"\n")
	for _, want := range []string{"Z  1-", "Z  3-", " 2 changes: p/a deleted, was 1, p/b deleted, was 1  (why\\x1b[0m)", `p/c created: \x1b\x1b`} {
		if got := lines.next(t); !strings.Contains(got, want) || strings.ContainsRune(got, '\x1b') || len(got) > 200 {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for _, want := range []string{"p/a=1", "p/b=1", "p/a,p/b", "p/c=" + strings.Repeat("\x1b", 100) + "\n"} {
		var set setOut
		if line := objects.next(t); json.Unmarshal([]byte(line), &set) != nil || strings.Join(texts(set.Changes), ",") != want {
			t.Errorf("got %s, want %q", line, want)
		}
	}
	for _, want := range []string{"1-", "2-", "3-", "5-", "6-"} {
		if got := positions.next(t); !strings.HasPrefix(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	lines.stop(t)
	objects.stop(t)
	positions.stop(t)
	for _, args := range []string{"watch --after now", "watch a b", "watch -o yaml"} {
		s.run(t, strings.Fields(args)...).must(t, 2)
	}
	s.run(t, "watch", "a//b").must(t, 8)
}

// cuttingWriter is an answer whose connection breaks after so many bytes.
type cuttingWriter struct {
	http.ResponseWriter
	left int
}

func (c *cuttingWriter) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		_, _ = c.ResponseWriter.Write(p[:len(p)+c.left])
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

func (c *cuttingWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// TestWatchOverCuts has connections break in the middle of messages: each set is printed once.
func TestWatchOverCuts(t *testing.T) {
	cuts := slowtest.Rounds(15, 50)
	connections := make(chan struct{}, 100_000)
	s := newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/events") {
				connections <- struct{}{}
				w = &cuttingWriter{w, 200 + rand.IntN(1000)}
			}
			next.ServeHTTP(w, r)
		})
	})
	s.MustSet(t, "p/counter", "begin")
	w := s.begin(t, "watch", "p", "--json", "--after", s.positionOf(t))
	for i := 0; len(connections) < cuts; i++ {
		s.MustSet(t, "q", "x")
		s.MustSet(t, "p/counter", fmt.Sprint(i))
		var set setOut
		if line := w.next(t); json.Unmarshal([]byte(line), &set) != nil || len(set.Changes) != 1 || *set.Changes[0].Value != fmt.Sprint(i) {
			t.Fatalf("got %s, want %d", line, i)
		}
	}
	w.stop(t)
}

// TestWatchExec runs a command for each set, one that fails again, and keeps the position.
func TestWatchExec(t *testing.T) {
	s, dir := newServer(t, nil), t.TempDir()
	file := filepath.Join(dir, "cursor")
	s.mustSetAll(t, "a=1", "b=2", "a=3")
	const script = `read -r line && echo "$CONFIGAPI_POSITION $line" && if test ! -e once; then touch once; exit 3; fi`
	args := []string{"watch", "--cursor", file, "--after", fromTheBeginning, "--exec", "cd " + dir + " && " + script}
	w := s.begin(t, args...)
	for _, want := range []string{`1-* "value":"1"`, `1-* "value":"1"`, `2-* "value":"2"`, `3-* "value":"3"`} {
		position, value, _ := strings.Cut(want, "* ")
		if got := w.next(t); !strings.HasPrefix(got, position) || !strings.Contains(got, value) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	w.cancel()
	w.mustEnd(t, 0, "the command failed for the change set 1-", "exit status 3; it is run again in 1s")
	s.MustSet(t, "a", "4")
	again := s.begin(t, args...)
	if got := again.next(t); !strings.Contains(got, `"value":"4"`) && !strings.Contains(got, `"value":"3"`) { // 3: it was interrupted before it was kept
		t.Errorf("got %s", got)
	}
	again.stop(t)
	mode, err := os.Stat(file)
	if err != nil || mode.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", mode, err)
	}
}

// TestCursorsThatAreRefused: a file that is not of this watch is an error, and stays as it is.
func TestCursorsThatAreRefused(t *testing.T) {
	s := newServer(t, nil)
	s.MustSet(t, "a", "1")
	file := filepath.Join(t.TempDir(), "cursor")
	mine := func(url, prefix, position string) string {
		return fmt.Sprintf(`{"url":%q,"prefix":%q,"position":%q}`, url, prefix, position)
	}
	for content, want := range map[string]struct {
		code int
		says string
	}{
		"":                                    {2, "is no cursor"},
		"x":                                   {2, "is no cursor"},
		"{}":                                  {2, "is no cursor"},
		mine(s.URL, "p", "1-"):                {2, "is no cursor"},
		mine(s.URL, "p", "1-00c0ffee")[:20]:   {2, "is no cursor"},
		mine(s.URL, "p", "1-00c0ffee") + "{}": {2, "is no cursor"},
		mine(s.URL, "", "1-00c0ffee"):         {2, "the cursor of another watch, of all configs at " + s.URL},
		mine("https://config.example", "p", "1-00c0ffee"):          {2, "of p at https://config.example"},
		mine(s.URL, "p", "1-00c0ffee"):                             {4, "was restored or replaced"},
		mine(s.URL, "p", "99-00c0ffee"):                            {4, "remove " + file + ", and begin again"},
		strings.Repeat(" ", 5000) + mine(s.URL, "p", "1-00c0ffee"): {2, "reading the cursor"},
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s.run(t, "watch", "p", "--cursor", file).must(t, want.code, want.says)
		if kept, err := os.ReadFile(file); err != nil || string(kept) != content {
			t.Errorf("%s became %s, %v", content, kept, err)
		}
	}
	s.run(t, "watch", "--after", "1-00c0ffee").must(t, 4, "begin again without --after")
	s.run(t, "watch", "--cursor", filepath.Join(file, "x")).must(t, 2)
}

// TestWatchEndsWithTheHistory: a server that comes back with another history does not lead the
// watch on from a position that means something else there.
func TestWatchEndsWithTheHistory(t *testing.T) {
	other := newServer(t, nil)
	var replaced atomic.Bool
	s := newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/events") {
				if replaced.Swap(true) {
					other.Config.Handler.ServeHTTP(w, r)
					return
				}
				w = &cuttingWriter{w, 700}
			}
			next.ServeHTTP(w, r)
		})
	})
	s.mustSetAll(t, "a=1", "a=2", "a=3")
	other.mustSetAll(t, "a=1", "a=2", "a=3", "a=4")
	s.begin(t, "watch", "--after", fromTheBeginning).mustEnd(t, 4, "the history of the server does not have the position", "read the configs anew")
}

// TestWatchEndsWithItsRights: what was missed while the token could read less is not passed over.
func TestWatchEndsWithItsRights(t *testing.T) {
	s := newServer(t, nil)
	s.mustSetAll(t, "a/x=1", "b/x=1")
	env := map[string]string{"CONFIGAPI_TOKEN": s.MustIssue(t, "ci", time.Time{}, "READ:a")}
	file := filepath.Join(t.TempDir(), "cursor")
	w := s.beginIn(t, env, "watch", "--cursor", file, "--after", fromTheBeginning)
	if got := w.next(t); !strings.Contains(got, "a/x created") {
		t.Errorf("got %s", got)
	}
	ops := process{env: map[string]string{"CONFIGAPI_TOKEN": s.MustIssue(t, "ops", time.Time{}, "READ,WRITE:")}}
	s.runIn(t, ops, "set", "b/x", "2").must(t, 0)
	s.runIn(t, ops, "set", "a/x", "2").must(t, 0)
	if got := w.next(t); !strings.Contains(got, "a/x 1 → 2") {
		t.Errorf("got %s", got)
	}
	grants := auth.ChangeGrants{Name: configstoretest.TokenName(t, "ci"), Grants: configstoretest.Caller(t, "", "READ:").Grants}
	if _, err := s.ChangeGrants(t.Context(), auth.Local, grants, config.Reason{}); err != nil {
		t.Fatal(err)
	}
	w.mustEnd(t, 4, "does not go on from the position", "what you may read has changed", "remove "+file)
	s.runIn(t, process{env: env}, "watch", "--cursor", file).must(t, 4)
	s.MustRevoke(t, "ci")
	s.runIn(t, process{env: env}, "watch", "--cursor", file).must(t, 5)
}

// TestWatchIntoAClosedPipe ends, and keeps no position that was not printed.
func TestWatchIntoAClosedPipe(t *testing.T) {
	s := newServer(t, nil)
	s.MustSet(t, "a", "1")
	file := filepath.Join(t.TempDir(), "cursor")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	reader.Close()
	env := cli.Env{Args: []string{"watch", "--url", s.URL, "--cursor", file, "--after", fromTheBeginning}, Getenv: func(string) string { return "" },
		Stdin: strings.NewReader(""), Stdout: writer, Stderr: &strings.Builder{}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if code := cli.Run(ctx, env); code != fault.ExitClosed {
		t.Errorf("got %d", code)
	}
	if kept, err := os.ReadFile(file); err != nil || !strings.Contains(string(kept), fromTheBeginning) {
		t.Errorf("kept %s, %v", kept, err)
	}
}
