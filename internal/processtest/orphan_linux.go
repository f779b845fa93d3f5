package processtest

import "syscall"

// signalOrphan makes the kernel send a signal to the process when this program dies.
func signalOrphan(attributes *syscall.SysProcAttr, signal syscall.Signal) {
	attributes.Pdeathsig = signal
}
