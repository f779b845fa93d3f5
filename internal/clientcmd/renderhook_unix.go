//go:build unix

package clientcmd

import (
	"os/exec"
	"syscall"
)

// endGroup makes a command a group of processes, which all get SIGTERM when its context ends.
func endGroup(run *exec.Cmd) {
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	run.Cancel = func() error { return syscall.Kill(-run.Process.Pid, syscall.SIGTERM) }
}
