package sqlite

import (
	"errors"
	"io/fs"

	"golang.org/x/sys/unix"
)

// sight is the file that a path leads to, and its length in bytes.
type sight struct {
	major, minor uint32 // of the device
	inode        uint64
	bytes        int64
}

// look looks up a file without asking for its times. Since Linux 6.13 a file whose times were asked
// for gets a new one with the next write, however short a time has passed, and so the fsync that
// follows has to write the inode, too.
func look(path string) (sight, error) {
	var stat unix.Statx_t
	err := ignoringEINTR(func() error {
		return unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_SIZE, &stat)
	})
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // an old kernel, or a sandbox that does not know the call
		return lookOld(path)
	}
	if err != nil {
		return sight{}, &fs.PathError{Op: "statx", Path: path, Err: err}
	}
	return sight{stat.Dev_major, stat.Dev_minor, stat.Ino, int64(stat.Size)}, nil
}

func lookOld(path string) (sight, error) {
	var stat unix.Stat_t
	if err := ignoringEINTR(func() error { return unix.Stat(path, &stat) }); err != nil {
		return sight{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	device := uint64(stat.Dev) // 32 bits on some systems
	return sight{unix.Major(device), unix.Minor(device), stat.Ino, stat.Size}, nil
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// is reports whether two sights are of the same file.
func (s sight) is(other sight) bool {
	s.bytes, other.bytes = 0, 0
	return s == other
}
