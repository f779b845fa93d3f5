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
	// maxBaseBytes leaves room for the name of a socket: its whole path may have 107 bytes, on macOS 103.
	maxBaseBytes = 60

	// memoryDir is Linux's file system in memory. Containers often have but 64 MiB of it.
	memoryDir = "/dev/shm"
	minMemory = 2 << 30
)

// home is the directory of one cluster. While its lock is held, the process that made it is alive.
type home struct {
	dir   string
	owner *syscall.Credential
	lock  *os.File
}

// newHome makes a directory below base that only the owner (and root) can enter. It first removes
// those of processes that died.
func newHome(base string, owner *syscall.Credential) (*home, error) {
	sweep(base)
	for {
		dir, err := os.MkdirTemp(base, homePattern)
		if err != nil {
			return nil, err
		}
		lock, err := takeLock(filepath.Join(dir, lockName), os.O_CREATE|os.O_EXCL)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) {
			continue // another process has just taken it for a dead one's
		}
		h := &home{dir, owner, lock}
		if err := errors.Join(err, h.give(dir)); err != nil {
			return nil, errors.Join(err, h.remove())
		}
		return h, nil
	}
}

// baseDir is where clusters are: TMPDIR when it is set and fits, else memory when there is plenty, because a busy disk
// makes every commit of every test wait. What a server does does not depend on it.
func baseDir(owner *syscall.Credential) string {
	base, set := os.LookupEnv("TMPDIR")
	switch {
	case !set && freeBytes(memoryDir) >= minMemory:
		return memoryDir
	case !set || len(base) > maxBaseBytes || owner != nil && !openToAll(base):
		return "/tmp"
	}
	return base
}

// give makes a file or directory the owner's.
func (h *home) give(path string) error {
	if h.owner == nil {
		return nil
	}
	return os.Chown(path, int(h.owner.Uid), int(h.owner.Gid))
}

func (h *home) remove() error { return errors.Join(os.RemoveAll(h.dir), h.lock.Close()) }

// sweep removes the directories of processes that are dead. What it may not remove is not its own.
func sweep(base string) {
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
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func freeBytes(dir string) uint64 {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize)
}

// openToAll tells whether every user can reach a directory.
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

// serverOwner says who is to run servers when root runs the tests, for PostgreSQL refuses to run as root.
func serverOwner() (*syscall.Credential, error) {
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
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, errors.Join(uidErr, gidErr)
}
