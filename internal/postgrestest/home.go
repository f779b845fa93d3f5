package postgrestest

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

const (
	homePattern = "configapi-pg-*"
	lockName    = "lock"
	// maxBaseBytes leaves enough bytes for the path of a socket, which may have 107 bytes, on macOS
	// 103.
	maxBaseBytes = 60

	// memoryDir is Linux's file system in memory. Containers often have only 64 MiB of it.
	memoryDir = "/dev/shm"
	minMemory = 2 << 30
)

// home is the directory of one cluster. Its lock is held as long as the process that made it is
// alive.
type home struct {
	dir   string
	owner *account
	lock  *os.File
}

// newHome makes a directory below base that only the owner and root can enter. It first removes
// those of dead processes.
func newHome(base string, owner *account) (*home, error) {
	removeDead(base)
	for {
		dir, err := os.MkdirTemp(base, homePattern)
		if err != nil {
			return nil, err
		}
		lock, err := takeLock(filepath.Join(dir, lockName), os.O_CREATE|os.O_EXCL)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue // another process has taken it for that of a dead process
		}
		h := &home{dir, owner, lock}
		if err := errors.Join(err, h.giveToOwner(dir)); err != nil {
			return nil, errors.Join(err, h.remove())
		}
		return h, nil
	}
}

// baseDir returns where clusters are: in TMPDIR if it is set and suitable, otherwise in memory if
// there is enough, because with a busy disk every commit of a test waits. Servers behave the same
// in both.
func baseDir(owner *account) string {
	base, set := os.LookupEnv("TMPDIR")
	switch {
	case !set && freeBytes(memoryDir) >= minMemory:
		return memoryDir
	case !set || len(base) > maxBaseBytes || owner != nil && !openToAll(base):
		return "/tmp"
	}
	return base
}

// giveToOwner makes the owner the owner of a file or directory.
func (h *home) giveToOwner(path string) error {
	if h.owner == nil {
		return nil
	}
	return os.Chown(path, int(h.owner.Uid), int(h.owner.Gid))
}

func (h *home) remove() error { return errors.Join(os.RemoveAll(h.dir), h.lock.Close()) }

// removeDead removes the directories of dead processes. It skips those of other users.
func removeDead(base string) {
	locks, _ := filepath.Glob(filepath.Join(base, homePattern, lockName))
	for _, path := range locks {
		if lock, err := takeLock(path, 0); err == nil {
			os.RemoveAll(filepath.Dir(path))
			lock.Close()
		}
	}
}

func takeLock(path string, flag int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f, false); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// openToAll reports whether every user can reach a directory.
func openToAll(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
}

// serverOwner returns the user that runs servers if root runs the tests, because PostgreSQL refuses
// to run as root. It returns nil for any other user.
func serverOwner() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, err
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	return &account{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}
