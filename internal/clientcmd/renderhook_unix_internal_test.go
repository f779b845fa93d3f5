//go:build unix

package clientcmd

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestEndGroup: a process that a command has started, and that ignores SIGTERM, is killed.
func TestEndGroup(t *testing.T) {
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	run := exec.CommandContext(ctx, "sh", "-c", `(trap "" TERM; echo ready; exec sleep 1000) & wait`)
	run.Stdout = in
	rest := endGroup(run, 50*time.Millisecond)
	err = run.Start()
	_ = in.Close()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != "ready\n" {
		t.Errorf("got %q, %v", line, err)
	}
	cancel()
	if err := run.Wait(); err == nil {
		t.Error("got nil, want how the command has ended")
	}
	rest()
	// The end of the output is that of the last process that has it.
	if err := out.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(lines); err != nil {
		t.Errorf("got %v, want the end of all processes", err)
	}
}
