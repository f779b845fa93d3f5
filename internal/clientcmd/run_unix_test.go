//go:build unix

package clientcmd_test

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"configapi/internal/processtest"
)

// supervised is a `configapi run` in a process of its own.
type supervised struct {
	*processtest.Process
	t *testing.T
}

// mustStart starts a run of the shell on the server at url. args are those before the script.
func mustStart(t *testing.T, url string, env []string, script string, args ...string) *supervised {
	t.Helper()
	return mustStartCommand(t, url, env, exec.Command(os.Args[0], append(append([]string{"run"}, args...), "--", "sh", "-c", script)...))
}

func mustStartCommand(t *testing.T, url string, env []string, cmd *exec.Cmd) *supervised {
	t.Helper()
	folder := t.TempDir()
	// Without GOCOVERDIR, a program that counts its coverage warns on standard error.
	cmd.Env = append(os.Environ(), append(env, asProgram+"=1", "CONFIGAPI_URL="+url, "GOCOVERDIR="+t.TempDir(), "HOME="+folder)...)
	p, err := processtest.Start(cmd, filepath.Join(folder, "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return &supervised{p, t}
}

// wait waits for a text in the output of the program and of configapi.
func (r *supervised) wait(text string) (rest string) {
	r.t.Helper()
	rest, err := r.AwaitLog(r.t.Context(), text)
	if err != nil {
		r.t.Fatalf("%q: %v", text, err)
	}
	return rest
}

// ends waits for the end with a code.
func (r *supervised) ends(code int) {
	r.t.Helper()
	<-r.Done()
	got := 0
	if exit, is := errors.AsType[*exec.ExitError](r.Stop(0, processtest.Patience)); is {
		got = exit.ExitCode()
	}
	if got != code {
		r.t.Errorf("got %d, want %d: %s", got, code, r.Log())
	}
}

// stop asks the run to end as an orchestrator does.
func (r *supervised) stop() {
	r.t.Helper()
	if err := syscall.Kill(r.PID(), syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
}

func TestRunExitCodes(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "set", "p/a", "1").must(t, 0)
	s.run(t, "set", "q/path", "/x").must(t, 0)
	t.Setenv("INHERITED", "1")
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"run", "--prefix", "p", "sh", "-c", `test "$A" = 1 && exit 3`}, 3, ""},
		{[]string{"run", "--prefix", "p", "--", "sh", "-c", `exit "$A$INHERITED"`}, 11, ""},
		{[]string{"run", "--prefix", "p", "--pristine", "--", "sh", "-c", `exit "$A$INHERITED"`}, 1, ""},
		{[]string{"run", "--", "no-such-program"}, 127, `configapi: starting "no-such-program": there is no such program`},
		{[]string{"run", "--", "/"}, 126, `configapi: starting "/": `},
		{[]string{"run", "--prefix", "q", "--", "true"}, 8, `"path" makes PATH, which decides which programs run`},
		{[]string{"run", "--prefix", "q", "--map", "q/path=CONFIGAPI_TOKEN", "--", "true"}, 8, "makes CONFIGAPI_TOKEN, which no program gets"},
		{[]string{"run"}, 2, "write `configapi run -- COMMAND"},
		{[]string{"run", "--on-change", "signal:NONE", "--", "true"}, 2, "there is no such signal"},
		{[]string{"run", "--on-change", "reload", "--", "true"}, 2, "write restart, none, or a signal"},
		{[]string{"run", "--max-stale", "1h", "--", "true"}, 2, "--max-stale needs --cache"},
		{[]string{"run", "--grace", "-1s", "--", "true"}, 2, "must not be negative"},
		{[]string{"run", "--map", "x", "--", "true"}, 2, "must be OLD=NEW"},
		{[]string{"run", "--prefix", "p", "--prefix", "p", "--", "true"}, 2, "is empty or given twice"},
	} {
		got := s.run(t, test.args...)
		if got.code != test.code || !strings.Contains(got.stderr, test.says) || test.says == "" && got.stderr != "" {
			t.Errorf("%q: got %+v, want %d and %q", test.args, got, test.code, test.says)
		}
	}
}

// TestRunRestarts: a change set restarts the program once, with all of it; another prefix does not
// concern it. No value is logged.
func TestRunRestarts(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "set", "base/a", "0").must(t, 0)
	s.run(t, "set", "p/b", "0").must(t, 0)
	r := mustStart(t, s.URL, []string{"A=parent"}, `echo "started $A $B ${CONFIGAPI_URL-none}"; exec sleep 1000`, "--prefix", "base", "--prefix", "p")
	r.wait("started 0 0 none")
	s.run(t, "set", "other/a", "9").must(t, 0)
	file := filepath.Join(t.TempDir(), "set.json")
	if err := os.WriteFile(file, []byte(`{"a": "hunter2", "b": "7"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "import", file, "--prefix", "p").must(t, 0)
	r.wait("started hunter2 7 none")
	r.stop()
	r.ends(143)
	if log := r.Log(); strings.Count(log, "started") != 3 || strings.Count(log, "hunter2") != 1 ||
		!strings.Contains(log, "configapi: A B changed at position ") {
		t.Errorf("got %s", log)
	}
}

// TestRunKeepsTheProgramOnBadChanges: a collision, and a variable that is too large.
func TestRunKeepsTheProgramOnBadChanges(t *testing.T) {
	s := newServer(t, nil)
	s.run(t, "set", "p/a", "0").must(t, 0)
	r := mustStart(t, s.URL, nil, `echo "started $A"; exec sleep 1000`, "--prefix", "p")
	r.wait("started 0")
	s.run(t, "set", "p/A", "1").must(t, 0)
	r.wait(`configapi: the program runs on as it was: "a" and "A" both make the variable A`)
	s.run(t, "delete", "p/A").must(t, 0)
	large := filepath.Join(t.TempDir(), "large")
	if err := os.WriteFile(large, []byte(strings.Repeat("x", 128<<10)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "set", "p/large", "--file", large).must(t, 0)
	r.wait("LARGE added at position")
	r.wait("the program runs on as it was: starting \"sh\": LARGE would be too large")
	s.run(t, "delete", "p/large").must(t, 0)
	s.run(t, "set", "p/a", "2").must(t, 0)
	r.wait("started 2")
	r.stop()
	r.ends(143)
}

// TestRunWithoutTheServer: the program starts from the cache, but not after a refusal, and not when
// it is too old.
func TestRunWithoutTheServer(t *testing.T) {
	var status atomic.Int64
	s := newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if code := int(status.Load()); code != 0 {
				w.WriteHeader(code)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	s.run(t, "set", "p/a", "cached").must(t, 0)
	cache := filepath.Join(t.TempDir(), "cache")
	runs := func(args ...string) result {
		t.Helper()
		args = append(append([]string{"run", "--prefix", "p", "--cache", cache}, args...), "--", "sh", "-c", `test "$A" = cached`)
		return s.run(t, args...)
	}
	runs().must(t, 0)
	for _, code := range []int{500, 503, 429} {
		status.Store(int64(code))
		runs().must(t, 0, "configapi: the program starts with the configs of "+cache+", which are ")
	}
	runs("--max-stale", "1ns").must(t, 6)
	for code, exit := range map[int]int{401: 5, 403: 5} {
		status.Store(int64(code))
		if got := runs(); got.code == 0 {
			t.Errorf("after %d: got %+v, want %d", code, got, exit)
		}
	}
	s.Server.Close()
	runs().must(t, 0, "which are ")
}

// TestRunWithARevokedToken: the program runs on, and a new token in the file is used.
func TestRunWithARevokedToken(t *testing.T) {
	s := newServer(t, nil)
	admin := s.mustIssue(t, "admin")
	as := process{env: map[string]string{"CONFIGAPI_URL": s.URL, "CONFIGAPI_TOKEN": admin}}
	as.run(t, "set", "p/a", "0").must(t, 0)
	file := filepath.Join(t.TempDir(), "token")
	issue := func(name string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(s.mustIssue(t, name)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	issue("first")
	r := mustStart(t, s.URL, []string{"CONFIGAPI_TOKEN_FILE=" + file}, `echo "started $A ${CONFIGAPI_TOKEN_FILE-none}"; exec sleep 1000`, "--prefix", "p")
	r.wait("started 0 none")
	as.run(t, "token", "revoke", "first").must(t, 0)
	r.wait("; the program runs on")
	issue("second")
	as.run(t, "set", "p/a", "1").must(t, 0)
	r.wait("started 1 none")
	r.stop()
	r.ends(143)
	if log := r.Log(); strings.Contains(log, "cfg_") || strings.Count(log, "none\n") != 2 {
		t.Errorf("got %s", log)
	}
}

// TestRunGoesOnWhenTheServerIsKilled, and takes what has changed when it is back.
func TestRunGoesOnWhenTheServerIsKilled(t *testing.T) {
	k := newKillable(t)
	p := process{env: map[string]string{"CONFIGAPI_URL": k.URL("")}}
	p.run(t, "set", "p/a", "0").must(t, 0)
	r := mustStart(t, k.URL(""), nil, `echo "started $A"; exec sleep 1000`, "--prefix", "p")
	r.wait("started 0")
	for range 3 {
		k.Kill()
		k.start(t)
	}
	p.run(t, "set", "p/a", "1").must(t, 0)
	r.wait("started 1")
	r.stop()
	r.ends(143)
}

// TestRunForwardsTheEnd: a program that ends in its own way decides about the exit code.
func TestRunForwardsTheEnd(t *testing.T) {
	s := newServer(t, nil)
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		r := mustStart(t, s.URL, nil, `trap "exit 6" TERM INT; echo ready; while :; do sleep 0.01; done`)
		r.wait("ready")
		if err := syscall.Kill(r.PID(), sig); err != nil {
			t.Fatal(err)
		}
		r.ends(6)
	}
}
