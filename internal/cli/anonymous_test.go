package cli_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"configapi/internal/processtest"
)

// TestAnOpenServerIsNotExposed has a server without tokens listen on all addresses.
func TestAnOpenServerIsNotExposed(t *testing.T) {
	got := run(t, nil, "serve", "--store", "memory", "--listen", "0.0.0.0:0")
	if got.code != 2 || !strings.Contains(got.stderr, "--allow-anonymous") || !strings.Contains(got.stderr, "configapi token create") {
		t.Errorf("got %+v, want exit code 2 and what to do", got)
	}
	for name, env := range map[string]map[string]string{
		"flag":     nil,
		"variable": {"CONFIGAPI_ALLOW_ANONYMOUS": "true"},
	} {
		args := []string{"serve", "--store", "memory", "--listen", "0.0.0.0:0"}
		if env == nil {
			args = append(args, "--allow-anonymous")
		}
		server := mustServeOn(t, env, args...)
		saysSo := func(context.Context) bool { return strings.Contains(server.Log(), "the server is open") }
		if err := server.Await(t.Context(), saysSo); err != nil {
			t.Errorf("%s: the log does not say it: %v", name, err)
		}
		if health := server.MustGet(t, "/health"); !strings.HasSuffix(health, `"open":true}`) {
			t.Errorf("%s: /health is %s", name, health)
		}
	}
	// One that is closed needs no flag.
	dir := t.TempDir()
	secret := mustFillWithTokens(t, filepath.Join(dir, "a.db"))
	server := mustServeOn(t, nil, "serve", "--store", "sqlite:"+filepath.Join(dir, "a.db"), "--listen", "0.0.0.0:0")
	if got := statusOf(t, server, "/config/a", "Authorization", "Bearer "+secret); got != http.StatusOK {
		t.Errorf("with a token: got %d", got)
	}
	if got := statusOf(t, server, "/config/a"); got != http.StatusUnauthorized {
		t.Errorf("without a token: got %d", got)
	}
}

// mustServeOn runs a server with all its flags, and returns when it is ready.
func mustServeOn(t *testing.T, env map[string]string, args ...string) process {
	t.Helper()
	cmd := exec.Command(os.Args[0], append(args, "--log", "text")...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	for key, value := range env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	cmd.Dir = t.TempDir()
	p, err := processtest.Start(cmd, filepath.Join(cmd.Dir, "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	server := &processtest.Server{Process: p}
	if err := p.Await(t.Context(), server.IsReady); err != nil {
		t.Fatal(err)
	}
	return process{server}
}

// statusOf gets a path with headers, which are names and values in turn.
func statusOf(t *testing.T, server process, path string, headers ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL(path), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// TestOpenServerBehindAProxy has requests come that a proxy has sent on.
func TestOpenServerBehindAProxy(t *testing.T) {
	for allowed, env := range map[bool][]string{false: nil, true: {"CONFIGAPI_ALLOW_ANONYMOUS=1"}} {
		server := MustServe(t, "memory", env...)
		for _, header := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "Via"} {
			for path, want := range map[string]int{"/config": http.StatusForbidden, "/graphql?query={__typename}": http.StatusForbidden, "/metrics": http.StatusForbidden, "/livez": http.StatusOK, "/health": http.StatusOK} {
				if allowed {
					want = http.StatusOK
				}
				if got := statusOf(t, server, path, header, "x"); got != want {
					t.Errorf("allowed %t: %s with %s: got %d, want %d", allowed, path, header, got, want)
				}
			}
		}
	}
}

// TestAnonymousFlag gives callers without a token some rights.
func TestAnonymousFlag(t *testing.T) {
	for _, wrong := range []string{"READ", "READ:a,WRITE", "ADMIN:a", "read:a", "READ:a//b", ":a"} {
		got := run(t, nil, "serve", "--store", "memory", "--listen", "127.0.0.1:0", "--anonymous", wrong)
		if got.code != 2 || !strings.Contains(got.stderr, "anonymous") {
			t.Errorf("--anonymous %s: got %+v", wrong, got)
		}
	}
	file := filepath.Join(t.TempDir(), "a.db")
	mustFillWithTokens(t, file)
	for grants, want := range map[string]int{"READ:a": http.StatusOK, "WRITE:b,READ,WRITE:a": http.StatusOK, "READ:": http.StatusOK, "READ:b": http.StatusNotFound, "WRITE:": http.StatusNotFound, "": http.StatusUnauthorized} {
		server := MustServe(t, "sqlite:"+file, "CONFIGAPI_ANONYMOUS="+grants)
		if got := statusOf(t, server, "/config/a"); got != want {
			t.Errorf("%q: got %d, want %d", grants, got, want)
		}
		server.terminate()
	}
}
