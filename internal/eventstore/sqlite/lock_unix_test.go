//go:build unix

package sqlite

import (
	"path/filepath"
	"syscall"
	"testing"
)

// TestLockIsReleasedInSpiteOfCopies keeps a copy of the lock file open, like a forked process that
// has not executed its program yet.
func TestLockIsReleasedInSpiteOfCopies(t *testing.T) {
	file := filepath.Join(t.TempDir(), "history.db")
	lock, err := takeLock(file)
	if err != nil {
		t.Fatal(err)
	}
	held, err := syscall.Dup(int(lock.(heldLock).Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(held)
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := takeLock(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}
