//go:build unix

package postgrestest

import (
	"os"
	"syscall"
)

// account is a user and its group.
type account syscall.Credential

// attributes are those of a process that runs as the account, nil for the user of this process.
func (a *account) attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: (*syscall.Credential)(a)}
}

// lockFile locks a file until it is closed. If another process has locked it, it waits or returns
// [syscall.EWOULDBLOCK].
func lockFile(f *os.File, waits bool) error {
	how := syscall.LOCK_EX
	if !waits {
		how |= syscall.LOCK_NB
	}
	return syscall.Flock(int(f.Fd()), how)
}

func freeBytes(dir string) uint64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize)
}
