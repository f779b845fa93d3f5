//go:build unix

package clientcmd_test

import (
	"path/filepath"
	"syscall"
	"testing"

	"configapi/internal/fault"
)

// TestApplyDoesNotWaitForPipes: to open a named pipe would wait for its writer.
func TestApplyDoesNotWaitForPipes(t *testing.T) {
	s := newServer(t, nil)
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, "apply", "-f", folder).must(t, fault.ExitUsage, "pipe.yaml is a link or no regular file")
	s.run(t, "apply", "-f", pipe).must(t, fault.ExitUsage, "is no regular file; give - for standard input")
}
