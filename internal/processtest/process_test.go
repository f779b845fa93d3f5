//go:build unix

package processtest

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
func startShell(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(exec.Command("sh", "-c", script), filepath.Join(t.TempDir(), "log"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestProcessSaysInItsLogThatItIsReady(t *testing.T) {
	p := startShell(t, "echo already up; echo ready 127.0.0.1:4000; exec sleep 100")
	address, err := p.AwaitLog(t.Context(), "\nready ")
	if err != nil || address != "127.0.0.1:4000" {
		t.Errorf("got %q %v, want 127.0.0.1:4000", address, err)
	}
}

func TestProcessThatEndsIsNotWaitedFor(t *testing.T) {
	p := startShell(t, "echo the port is taken >&2; exit 2")
	_, err := p.AwaitLog(t.Context(), "ready ")
	if err == nil || !strings.Contains(err.Error(), "the port is taken") || !strings.Contains(err.Error(), "exit status 2") {
		t.Errorf("got %v, want its last words and its exit status", err)
	}
	var exit *exec.ExitError
	if err := p.Stop(syscall.SIGTERM, time.Second); !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("got %v, want exit status 2", err)
	}
}

func TestWaitingForAProcessEndsWithItsContext(t *testing.T) {
	p := startShell(t, "exec sleep 100")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.AwaitLog(ctx, "ready "); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

func TestStoppedProcessIsGone(t *testing.T) {
	p := startShell(t, "exec sleep 100")
	if p.Ended() {
		t.Error("it has ended before it was stopped")
	}
	if err := p.Stop(syscall.SIGTERM, Patience); err == nil || err.Error() != "signal: terminated" {
		t.Errorf("got %v, want the signal", err)
	}
	if err := syscall.Kill(p.PID(), 0); !errors.Is(err, syscall.ESRCH) || !p.Ended() {
		t.Errorf("got %v, want no such process", err)
	}
	p.Kill() // again does no harm
}

func TestProcessThatDoesNotStopIsKilled(t *testing.T) {
	p := startShell(t, "trap '' TERM; echo ready; while :; do sleep 0.01; done")
	if _, err := p.AwaitLog(t.Context(), "ready"); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(syscall.SIGTERM, time.Millisecond); err == nil || !strings.Contains(err.Error(), "has not ended within 1ms") {
		t.Errorf("got %v, want that it did not stop", err)
	}
	if !p.Ended() {
		t.Error("it goes on")
	}
}

// TestProcessEndsWithItsChildren kills a process whose child outlives it for a moment.
func TestProcessEndsWithItsChildren(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := startShell(t, "trap 'echo stopping; exit 3' TERM; (trap '' TERM; read line <"+fifo+"; echo the child ends) & echo ready; wait")
	if _, err := p.AwaitLog(t.Context(), "ready"); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error)
	go func() { stopped <- p.Stop(syscall.SIGTERM, Patience) }()
	if _, err := p.AwaitLog(t.Context(), "stopping"); err != nil {
		t.Fatal(err)
	}
	child, err := os.OpenFile(fifo, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	child.Close()
	if err := <-stopped; err == nil || err.Error() != "exit status 3" {
		t.Errorf("got %v, want exit status 3", err)
	}
	if log := p.Log(); !strings.Contains(log, "the child ends") {
		t.Errorf("the child goes on: %q", log)
	}
}

func TestLogIsForgotten(t *testing.T) {
	input, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	command := exec.Command("sh", "-c", "echo one; read go; echo two; exec sleep 100")
	command.Stdin = input
	log := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(log, []byte("one of another process\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := Start(command, log, syscall.SIGKILL)
	input.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	if rest, err := p.AwaitLog(t.Context(), "one"); err != nil || rest != "" || p.LogBytes() != 4 {
		t.Fatalf("got %q, %v, and %d bytes, want what the process itself has said", rest, err, p.LogBytes())
	}
	if err := p.ForgetLog(); err != nil {
		t.Fatal(err)
	}
	if _, err := output.WriteString("go\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.AwaitLog(t.Context(), "two"); err != nil || p.LastWords() != "two" {
		t.Fatalf("got %q, %v, want the second word alone", p.LastWords(), err)
	}
}

func TestProgramThatIsNotThereIsAnError(t *testing.T) {
	_, err := Start(exec.Command("/no/such/program"), filepath.Join(t.TempDir(), "log"), syscall.SIGKILL)
	if err == nil || !strings.Contains(err.Error(), "starting program") {
		t.Errorf("got %v, want an error that names it", err)
	}
}

// envParent makes the test program a process that starts another one, and waits to be killed.
const envParent = "PROCESSTEST_PARENT"

func TestMain(m *testing.M) {
	if log := os.Getenv(envParent); log != "" {
		if _, err := Start(exec.Command("sh", "-c", "echo pid $$; exec sleep 100"), log, syscall.SIGKILL); err != nil {
			panic(err)
		}
		select {}
	}
	os.Exit(m.Run())
}
