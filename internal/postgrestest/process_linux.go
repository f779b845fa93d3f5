package postgrestest

import "syscall"

// processOf returns the attributes of a server process: its owner, a process group of its own, so
// that a ^C in the terminal does not reach it, and a signal that it gets when this process dies.
func processOf(owner *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: owner, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
}
