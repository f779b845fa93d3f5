package main

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
)

// startShell runs a shell script as a process.
func startShell(t *testing.T, script string) *process {
	t.Helper()
	p, err := startProcess("script", exec.Command("sh", "-c", script), filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(syscall.SIGKILL) })
	return p
}

func TestProcessAnnouncesItsAddress(t *testing.T) {
	p := startShell(t, "echo already up; echo ready 127.0.0.1:4000; exec sleep 100")
	address, err := p.awaitAddress(t.Context())
	if err != nil || address != "127.0.0.1:4000" {
		t.Errorf("got %q %v, want 127.0.0.1:4000", address, err)
	}
}

func TestProcessThatEndsIsNotWaitedFor(t *testing.T) {
	p := startShell(t, "echo the port is taken >&2; exit 2")
	_, err := p.awaitAddress(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the port is taken") || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("got %v, want its last words and its exit status", err)
	}
}

func TestWaitingForAProcessEndsWithItsContext(t *testing.T) {
	p := startShell(t, "exec sleep 100")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := p.awaitAddress(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestStoppedProcessIsGone(t *testing.T) {
	p := startShell(t, "exec sleep 100")
	pid := p.pid()
	p.stop(syscall.SIGTERM)
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("got %v, want no such process", err)
	}
	p.stop(syscall.SIGTERM) // again does no harm
}

func TestForgottenLogGoesOnAtItsNewEnd(t *testing.T) {
	input, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("sh", "-c", "echo one; read go; echo two; exec sleep 100")
	command.Stdin = input
	p, err := startProcess("script", command, filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop(syscall.SIGKILL); input.Close(); output.Close() })

	says := func(words string) func(context.Context) bool {
		return func(context.Context) bool { return p.lastWords() == words }
	}
	if err := p.awaitReady(t.Context(), time.Millisecond, says("one")); err != nil {
		t.Fatal(err)
	}
	if err := p.forgetLog(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if err := p.awaitReady(t.Context(), time.Millisecond, says("two")); err != nil {
		t.Fatal(err)
	}
}

func TestProgramThatIsNotThereIsAnError(t *testing.T) {
	_, err := startProcess("nothing", exec.Command("/no/such/program"), filepath.Join(t.TempDir(), "log"))
	if err == nil || !strings.Contains(err.Error(), "starting nothing") {
		t.Errorf("got %v, want an error that names it", err)
	}
}
