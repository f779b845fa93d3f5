//go:build unix

package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// lockNew locks a file that was just created, until it is closed. kept is false when another
// process has removed it meanwhile.
func lockNew(file *os.File) (kept bool, err error) {
	if err := retry(func() error { return unix.Flock(int(file.Fd()), unix.LOCK_EX) }); err != nil {
		return false, fmt.Errorf("locking %s: %w", file.Name(), err)
	}
	return isStill(file)
}

// isStill reports whether the name of an open file is still that of the file.
func isStill(file *os.File) (bool, error) {
	named, err := os.Lstat(file.Name())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	opened, err := file.Stat()
	return err == nil && os.SameFile(named, opened), err
}

// removeUnlocked removes a file unless a process that runs has locked it. A file that others have
// removed, or that belongs to another user, stays as it is.
func removeUnlocked(path string) error {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, unix.ELOOP):
		return nil
	case err != nil:
		return err
	}
	defer file.Close()
	err = retry(func() error { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) })
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	}
	if err != nil {
		return err
	}
	if still, err := isStill(file); err != nil || !still {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// retry calls do until no signal interrupts it.
func retry(do func() error) error {
	for {
		if err := do(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// keepOwner gives a new file the owner and the group of the old one.
func keepOwner(file *os.File, path string, old fs.FileInfo) error {
	is, err := file.Stat()
	if err != nil {
		return err
	}
	want, _ := old.Sys().(*syscall.Stat_t)
	have, _ := is.Sys().(*syscall.Stat_t)
	if want == nil || have == nil || want.Uid == have.Uid && want.Gid == have.Gid {
		return nil
	}
	if err := file.Chown(int(want.Uid), int(want.Gid)); err != nil {
		return fmt.Errorf("%s belongs to the user %d and the group %d, which the new content cannot be given to: run as that user or as root, or change its owner: %w",
			path, want.Uid, want.Gid, err)
	}
	return nil
}

// checkLink refuses a symbolic link that another user than root has made: it could lead to any file
// of the user.
func checkLink(path string, info fs.FileInfo) error {
	if stat, is := info.Sys().(*syscall.Stat_t); is && !mayLink(int(stat.Uid), os.Geteuid()) {
		return fmt.Errorf("%s is a symbolic link of another user, which is not followed: name the file itself", path)
	}
	return nil
}

func mayLink(owner, user int) bool { return owner == user || owner == 0 }

func explainRename(path string, err error) error {
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%s is a mount point, which cannot be replaced: mount its folder in place of the file: %w", path, err)
	}
	return err
}

func syncFolder(path string) error {
	folder, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, unix.EINVAL) { // some file systems cannot
		return err
	}
	return nil
}
