//go:build unix

package processtest

import (
	"syscall"
	"testing"
	"time"
)

// OwnCPU returns the processor time that this process has used, the collector included. Other
// programs on the machine hardly change it.
func OwnCPU(t testing.TB) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// lead makes the process the first of a group of its own.
func lead(attributes *syscall.SysProcAttr) { attributes.Setpgid = true }

// killGroup kills a process and what is in its group.
func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
