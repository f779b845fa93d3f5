//go:build !unix

package processtest

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// OwnCPU fails the test: this system is not asked for the time.
func OwnCPU(t testing.TB) time.Duration {
	t.Helper()
	t.Fatal("the processor time of a process is read on Unix alone")
	return 0
}

// lead does nothing: there are no groups.
func lead(*syscall.SysProcAttr) {}

// killGroup kills a process alone.
func killGroup(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
