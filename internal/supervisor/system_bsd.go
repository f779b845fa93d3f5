//go:build unix && !linux

package supervisor

import "syscall"

// adoptOrphans does nothing: here process 1 adopts them.
func adoptOrphans() {}

// hideMemory does nothing.
func hideMemory() {}

// endWithParent does nothing: the system has no such signal.
func endWithParent(*syscall.SysProcAttr) {}

// isReal reports whether a signal is one that programs use.
func isReal(number syscall.Signal) bool { return number < 32 }

// checkSize returns nil: the limit is known when the system does not start the program.
func checkSize(string, []string, []string) error { return nil }
