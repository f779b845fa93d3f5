package clientcmd_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"configapi/internal/fault"
	"configapi/internal/problem"
)

// contexts returns an environment with a file of contexts.
func contexts(t *testing.T, format string, args ...any) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"CONFIGAPI_CONFIG": path}
}

// TestConfirm writes in a context that asks first.
func TestConfirm(t *testing.T) {
	s := newServer(t, nil)
	env := contexts(t, "current: production\ncontexts:\n  production: {url: %q, prefix: payments, confirm: true}\n", s.URL)
	in := func(stdin string, terminal int) process { return process{env: env, stdin: stdin, terminal: terminal} }

	in("", 0).run(t, "set", "timeout", "3").must(t, 2, "give --confirm production; nothing was written")
	in("", 0).run(t, "set", "timeout", "3", "--confirm", "staging").must(t, 2, "another context than production")
	in("no\n", 80).run(t, "set", "timeout", "3").must(t, 2, "timeout created: 3", "dry run", "Type the name of the context, production", "nothing was written")
	in("", 80).run(t, "set", "timeout", "3").must(t, 2)
	in("", 0).run(t, "get", "timeout").must(t, 3, "there is no config payments/timeout")
	in("", 0).run(t, "set", "timeout", "3", "--dry-run").must(t, 0)

	in("", 0).run(t, "set", "timeout", "3", "--confirm", "production").must(t, 0, "timeout created: 3, version 1")
	in("production\n", 80).run(t, "set", "timeout", "5", "-m", "why").must(t, 0, "timeout 3 → 5, version 2; nothing was written", "timeout 3 → 5, version 2, position")
	in("", 0).run(t, "get", "timeout", "-o", "json").must(t, 0, `"name": "payments/timeout"`, `"reason": "why"`)
	in("", 0).run(t, "list").must(t, 0, "\ntimeout  2 ")
	in("", 0).run(t, "tree").must(t, 0, "payments/\n", "timeout")
}

// TestConfirmedIsWritten has the config change while the user reads what is asked.
func TestConfirmedIsWritten(t *testing.T) {
	var s *server
	s = newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			next.ServeHTTP(w, r)
			if bytes.Contains(body, []byte(`"dryRun":true`)) {
				s.MustSet(t, "timeout", "4")
			}
		})
	})
	p := process{env: contexts(t, "current: p\ncontexts:\n  p: {url: %q, confirm: true}\n", s.URL), stdin: "p\n", terminal: 80}
	p.run(t, "set", "timeout", "5").must(t, 4, "nothing was written", "has changed after")
	s.run(t, "get", "timeout").must(t, 0, "4")
}

// TestConfirmedRevertIsWritten has the config change while the user reads what a revert comes to.
func TestConfirmedRevertIsWritten(t *testing.T) {
	var once sync.Once
	var s *server
	s = newServer(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(w, r)
			if strings.HasSuffix(r.URL.Path, "/revert") {
				once.Do(func() { s.MustSet(t, "timeout", "4") })
			}
		})
	})
	s.MustSet(t, "timeout", "1")
	s.MustSet(t, "timeout", "2")
	env := contexts(t, "current: p\ncontexts:\n  p: {url: %q, confirm: true}\n", s.URL)
	revert := []string{"revert", s.run(t, "log", "timeout", "--limit", "1", "-o", "name").must(t, 0).stdout[:10], "--on-conflict", "overwrite"}
	process{env: env, stdin: "p\n", terminal: 80}.run(t, revert...).must(t, 4, "nothing was written", "since they were shown")
	s.run(t, "get", "timeout").must(t, 0, "4")
	process{env: env, stdin: "p\n", terminal: 80}.run(t, revert...).must(t, 0, "timeout 4 → 1")
	s.MustSet(t, "timeout", "5")
	process{env: env}.run(t, append(revert, "--confirm", "p")...).must(t, 0, "timeout 5 → 1")
}

// recorder is a server that records the tokens that it gets.
type recorder struct {
	*httptest.Server
	mu  sync.Mutex
	got []string // guarded by mu
}

func newRecorder(t *testing.T, answer http.Handler) *recorder {
	t.Helper()
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		r.mu.Lock()
		r.got = append(r.got, request.Header.Get("Authorization"))
		r.mu.Unlock()
		answer.ServeHTTP(w, request)
	}))
	t.Cleanup(r.Close)
	return r
}

// mustHaveGot fails unless the server got these tokens since the last call, "" for none.
func (r *recorder) mustHaveGot(t *testing.T, what string, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if fmt.Sprint(r.got) != fmt.Sprint(want) {
		t.Errorf("%s: got the tokens %q, want %q", what, r.got, want)
	}
	r.got = nil
}

// TestTokensStayWithTheirServers has two contexts with a token each, and servers that redirect to
// each other.
func TestTokensStayWithTheirServers(t *testing.T) {
	var one, two *recorder
	one = newRecorder(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, two.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	two = newRecorder(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, one.URL+r.URL.Path, http.StatusPermanentRedirect)
	}))
	s := newServer(t, nil) // only to make secrets
	first, second := s.mustIssue(t, "one"), s.mustIssue(t, "two")
	folder := t.TempDir()
	for name, secret := range map[string]string{"one": first, "two": second} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := contexts(t, "current: one\ncontexts:\n  one: {url: %q, token_file: %q}\n  two: {url: %q, token_file: %q}\n",
		one.URL, filepath.Join(folder, "one"), two.URL, filepath.Join(folder, "two"))
	p := process{env: env}
	for _, command := range [][]string{{"get", "a"}, {"set", "a", "1"}, {"list"}} {
		p.run(t, command...).must(t, 6, "redirects to another address")
		one.mustHaveGot(t, "the current context", "Bearer "+first)
		two.mustHaveGot(t, "the target of a redirect")
		p.run(t, append(command, "--context", "two")...).must(t, 6)
		two.mustHaveGot(t, "--context", "Bearer "+second)
		one.mustHaveGot(t, "the target of a redirect")
		p.run(t, append(command, "--url", two.URL)...).must(t, 6)
		two.mustHaveGot(t, "--url", "")
		one.mustHaveGot(t, "the current context beside --url")
	}
	p.run(t, "get", "a", "--context", "one").must(t, 6, "where a token is not sent by itself; give that address with --url")
	p.env["CONFIGAPI_TOKEN"] = first
	p.run(t, "get", "a", "--url", "http://config.example").must(t, 2, "use https; --insecure sends it all the same")
}

// TestNoToken asks a server that asks for a token.
func TestNoToken(t *testing.T) {
	secured := newRecorder(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		problem.Problem{Kind: fault.Unauthenticated, Detail: "no"}.Write(w)
	}))
	p := process{env: contexts(t, "{}\n")}
	want := "none was given; put one into CONFIGAPI_TOKEN, or its file's name into CONFIGAPI_TOKEN_FILE"
	p.run(t, "get", "a", "--url", secured.URL).must(t, 5, want)
}
