//go:build unix && !linux

package main

import "syscall"

// dieWithParent does nothing: only Linux can be asked for it. Elsewhere a kill -9 of this program leaves the others.
func dieWithParent(*syscall.SysProcAttr) {}
