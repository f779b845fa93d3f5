//go:build !linux

package processtest

import "syscall"

// signalOrphan does nothing: only Linux can be asked for it.
func signalOrphan(*syscall.SysProcAttr, syscall.Signal) {}
