package cli_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"configapi/internal/cli"
	"configapi/internal/postgrestest"
	"configapi/internal/processtest"
)

// asProgram makes the test binary run configapi itself, so that tests can kill a real process.
const asProgram = "CONFIGAPI_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		postgrestest.Main(m)
	}
	cli.Main()
}

// process is a configapi in a process of its own.
type process struct{ *processtest.Server }

// MustServe starts a server on a free port and returns when it is ready.
func MustServe(t testing.TB, store string, env ...string) process {
	t.Helper()
	return MustServeWith(t, os.Args[0], store, env...)
}

// MustServeWith starts a server of another program.
func MustServeWith(t testing.TB, program, store string, env ...string) process {
	t.Helper()
	cmd := exec.Command(program, "serve", "--store", store, "--log", "text")
	cmd.Env = append(append(os.Environ(), asProgram+"=1"), env...)
	cmd.Dir = t.TempDir()
	server, err := processtest.Serve(t.Context(), cmd, filepath.Join(cmd.Dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return process{server}
}

// terminate asks the process to end, and returns its exit code and how long that took.
func (p process) terminate() (code int, took time.Duration) {
	begin := time.Now()
	err := p.Stop(syscall.SIGTERM, processtest.Patience)
	took = time.Since(begin)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), took
	}
	if err != nil {
		return -1, took // it had to be killed
	}
	return 0, took
}

// shortDir returns a new folder with a short path: that of a socket is limited.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// awaitLog waits until the log of a server has a text.
func (p process) awaitLog(t *testing.T, text string) {
	t.Helper()
	if err := p.Await(t.Context(), func(context.Context) bool { return strings.Contains(p.Log(), text) }); err != nil {
		t.Errorf("the log does not have %q: %v\n%s", text, err, p.Log())
	}
}
