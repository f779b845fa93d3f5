//go:build unix

package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// takeLock locks a file beside the database until the file is closed or the process ends. The lock
// is not on the database itself: SQLite's own locks would be lost when that file is closed
// elsewhere in this process.
func takeLock(file string) (io.Closer, error) {
	name := file + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening its lock file: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := make([]byte, 20)
		n, _ := f.ReadAt(holder, 0)
		f.Close()
		if err != syscall.EWOULDBLOCK {
			return nil, fmt.Errorf("locking %s: %w", name, err)
		}
		return nil, fmt.Errorf("%w (process %s holds the lock %s); stop it, or use another file",
			ErrLocked, strings.TrimSpace(string(holder[:n])), name)
	}
	// The process id is only for the error above, so a full disk does not matter.
	_ = f.Truncate(0)
	_, _ = fmt.Fprintln(f, os.Getpid())
	return heldLock{f}, nil
}

// heldLock is the file of a lock that is held.
type heldLock struct{ *os.File }

// Close releases the lock at once. Without that, a process that is being started would keep it for
// a moment: it has copies of all open files until it executes its program.
func (l heldLock) Close() error {
	return errors.Join(syscall.Flock(int(l.Fd()), syscall.LOCK_UN), l.File.Close())
}
