//go:build unix && !linux

package postgrestest

import "syscall"

// processOf returns the attributes of a server process: its owner, and a process group of its own,
// so that a ^C in the terminal does not reach it.
func processOf(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: true}
}
