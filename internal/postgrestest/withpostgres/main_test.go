//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"configapi/internal/postgrestest"
)

// envCommand makes the test binary the command to run.
const envCommand = "WITHPOSTGRES_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(envCommand) == "" {
		os.Exit(m.Run())
	}
	conn, err := pgx.Connect(context.Background(), os.Getenv(postgrestest.EnvURL))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	conn.Close(context.Background())
	os.Exit(42)
}

func TestCommandCanReachTheServerAndItsExitCodeIsPassedOn(t *testing.T) {
	t.Setenv(postgrestest.EnvURL, "")
	t.Setenv(envCommand, "1")
	if code, err := run(t.Context(), os.Args[:1]); code != 42 || err != nil {
		t.Errorf("run: got %d, %v, want 42", code, err)
	}
}

func TestServerOfTheEnvironmentIsLeftAsItIs(t *testing.T) {
	t.Setenv(postgrestest.EnvURL, "postgres://given")
	if code, err := run(t.Context(), []string{"--", "sh", "-c", `test "$TEST_DATABASE_URL" = postgres://given`}); code != 0 || err != nil {
		t.Errorf("run: got %d, %v, want 0", code, err)
	}
}

func TestInterruptIsPassedOnToTheCommand(t *testing.T) {
	t.Setenv(postgrestest.EnvURL, "postgres://given")
	ctx, interrupt := context.WithCancel(t.Context())
	fifo := filepath.Join(t.TempDir(), "ready")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		os.ReadFile(fifo) // until the command has written to it
		interrupt()
	}()
	code, err := run(ctx, []string{"sh", "-c", "trap 'exit 5' INT; echo > " + fifo + "; while :; do sleep 0.01; done"})
	if code != 5 || err != nil {
		t.Errorf("run: got %d, %v, want 5", code, err)
	}
}

func TestCommandThatCannotBeRun(t *testing.T) {
	t.Setenv(postgrestest.EnvURL, "postgres://given")
	if code, err := run(t.Context(), []string{"no-such-command"}); code != 1 || err == nil || !strings.Contains(err.Error(), exec.ErrNotFound.Error()) {
		t.Errorf("run: got %d, %v, want 1 and an error", code, err)
	}
	if code, err := run(t.Context(), nil); code != 2 || err == nil {
		t.Errorf("run without a command: got %d, %v, want 2 and an error", code, err)
	}
}
