package main

import "syscall"

// dieWithParent makes the kernel kill the process when this program dies, by whatever cause.
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGKILL }
