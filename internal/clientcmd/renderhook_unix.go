//go:build unix

package clientcmd

import (
	"os/exec"
	"syscall"
	"time"
)

// groupPause is how often a group of processes is looked at that was asked to end.
const groupPause = 10 * time.Millisecond

// endGroup makes a command a group of processes, which all get SIGTERM when its context ends. rest
// is to be called when the command has ended: after grace it kills what is left of such a group.
func endGroup(run *exec.Cmd, grace time.Duration) (rest func()) {
	var kill <-chan time.Time // nil: the group was not asked to end
	run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	run.WaitDelay = grace
	run.Cancel = func() error {
		kill = time.After(grace)
		return syscall.Kill(-run.Process.Pid, syscall.SIGTERM)
	}
	return func() {
		if kill == nil {
			return
		}
		look := time.NewTicker(groupPause)
		defer look.Stop()
		for group := -run.Process.Pid; syscall.Kill(group, 0) != syscall.ESRCH; {
			select {
			case <-look.C:
			case <-kill:
				_ = syscall.Kill(group, syscall.SIGKILL)
				return
			}
		}
	}
}
