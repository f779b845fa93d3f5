//go:build unix

package cli

import "syscall"

// openFilesLimit returns how many files the process may open. At its start, Go raises the limit as
// far as the system allows.
func openFilesLimit() (limit uint64, limited bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, false
	}
	return uint64(l.Cur), true
}
