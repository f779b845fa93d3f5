package sqlite

import (
	"errors"
	"io/fs"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fileID identifies the file that a path leads to, and has its length.
type fileID struct {
	major, minor uint32 // of the device
	inode        uint64
	bytes        int64
}

// identify returns the fileID of a path without asking for the file's times. Since Linux 6.13 a
// file whose times were read gets a new time with its next write, and the fsync that follows has to
// write the inode, too.
func identify(path string) (fileID, error) {
	var stat unix.Statx_t
	err := ignoringEINTR(func() error {
		return unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_SIZE, &stat)
	})
	// The kernel is old, or a sandbox does not know statx.
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return identifyOld(path)
	}
	if err != nil {
		return fileID{}, &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	return fileID{stat.Dev_major, stat.Dev_minor, stat.Ino, int64(stat.Size)}, nil
}

func identifyOld(path string) (fileID, error) {
	var stat unix.Stat_t
	if err := ignoringEINTR(func() error { return unix.Stat(path, &stat) }); err != nil {
		return fileID{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	device := uint64(stat.Dev) // 32 bits wide on some systems
	return fileID{unix.Major(device), unix.Minor(device), stat.Ino, stat.Size}, nil
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// sameFile reports whether both identify the same file. It ignores the length.
func (s fileID) sameFile(other fileID) bool {
	s.bytes, other.bytes = 0, 0
	return s == other
}

// inode returns the number of a file's inode, and when the inode was last changed.
func inode(info fs.FileInfo) (uint64, time.Time) {
	stat := info.Sys().(*syscall.Stat_t)
	return stat.Ino, time.Unix(stat.Ctim.Unix())
}

// linkCount returns how many hard links a file has.
func linkCount(info fs.FileInfo) uint64 { return uint64(info.Sys().(*syscall.Stat_t).Nlink) }
