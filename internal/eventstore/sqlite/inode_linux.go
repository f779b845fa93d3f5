package sqlite

import (
	"io/fs"
	"syscall"
	"time"
)

// inode returns the number of the inode of a file, and when that was last changed.
func inode(info fs.FileInfo) (uint64, time.Time) {
	stat := info.Sys().(*syscall.Stat_t)
	return stat.Ino, time.Unix(stat.Ctim.Unix())
}

// names returns how many names a file has.
func names(info fs.FileInfo) uint64 { return uint64(info.Sys().(*syscall.Stat_t).Nlink) }
