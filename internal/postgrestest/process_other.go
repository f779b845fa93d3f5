//go:build unix && !linux

package postgrestest

import (
	"os/exec"
	"syscall"
)

// processOf returns what a process of PostgreSQL is started with: its owner, and a process group of its own, so that a ^C
// in the terminal is not for it.
func processOf(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: true}
}

// runOnThread starts a command, says how that went, and waits for the command to end.
func runOnThread(cmd *exec.Cmd, started chan<- error) { run(cmd, started) }
