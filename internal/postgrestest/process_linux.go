package postgrestest

import (
	"os/exec"
	"runtime"
	"syscall"
)

// processOf returns what a process of PostgreSQL is started with: its owner, a process group of its own, so that a ^C in
// the terminal is not for it, and a signal that it gets when this process dies, however that happens.
func processOf(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
}

// runOnThread starts a command, says how that went, and waits for the command to end.
//
// Linux takes the death of the thread that started a process for the death of its parent, so the thread stays here until
// the process has ended.
func runOnThread(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	run(cmd, started)
}
