package clientcmd_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"configapi/internal/cli"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/httpd"
	"configapi/internal/rest"
)

// server is a server with a history of its own, in this process.
type server struct {
	*configstoretest.Store
	*httptest.Server
}

// newServer runs a server until the end of the test. wrap may be nil; it decides what becomes of
// requests and answers on the way.
func newServer(t *testing.T, wrap func(http.Handler) http.Handler) *server {
	t.Helper()
	store := configstoretest.New(t, configstore.Options{})
	var handler http.Handler = httpd.New(httpd.Options{Store: store.Store, REST: rest.New(store.Store, rest.Options{})})
	if wrap != nil {
		handler = wrap(handler)
	}
	s := &server{store, httptest.NewServer(handler)}
	t.Cleanup(s.Server.Close)
	return s
}

// mustIssue returns the secret of a new token that may do everything.
func (s *server) mustIssue(t *testing.T, name string) string {
	t.Helper()
	return s.MustIssue(t, name, time.Time{}, "READ,WRITE,ADMIN:")
}

// result is what a command has left behind.
type result struct {
	code           int
	stdout, stderr string
}

// process is the process of a command.
type process struct {
	env      map[string]string
	stdin    string
	file     *os.File // standard input in place of stdin, which programs that it runs inherit; may be nil
	terminal int      // the width of a terminal that all streams are; 0: none is one
}

// run runs a command on the server.
func (s *server) run(t *testing.T, args ...string) result {
	t.Helper()
	return s.runIn(t, process{}, args...)
}

func (s *server) runIn(t *testing.T, p process, args ...string) result {
	t.Helper()
	env := map[string]string{"CONFIGAPI_URL": s.URL}
	for key, value := range p.env {
		env[key] = value
	}
	p.env = env
	return p.run(t, args...)
}

func (p process) run(t *testing.T, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	return p.runUntil(ctx, t, args...)
}

// runUntil runs a command, which is interrupted when ctx ends.
func (p process) runUntil(ctx context.Context, t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr strings.Builder
	var stdin io.Reader = strings.NewReader(p.stdin)
	if p.file != nil {
		stdin = p.file
	}
	code := cli.Run(ctx, cli.Env{Args: args, Getenv: func(key string) string { return p.env[key] },
		Stdin: stdin, Stdout: &stdout, Stderr: &stderr,
		Terminal: func(any) (int, bool) { return p.terminal, p.terminal > 0 }})
	return result{code, stdout.String(), stderr.String()}
}

// must fails the test unless a command ended with a code and its output, and then its errors,
// contain texts.
func (r result) must(t *testing.T, code int, contain ...string) result {
	t.Helper()
	for _, text := range contain {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("got %+v, want %q", r, text)
		}
	}
	if r.code != code {
		t.Errorf("got %+v, want the exit code %d", r, code)
	}
	return r
}
