//go:build !linux

package sqlite

import (
	"io/fs"
	"os"
	"time"
)

// fileID identifies the file that a path leads to, and has its length.
type fileID struct {
	info  fs.FileInfo
	bytes int64
}

func identify(path string) (fileID, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}, err
	}
	return fileID{info, info.Size()}, nil
}

// sameFile reports whether both identify the same file. It ignores the length.
func (s fileID) sameFile(other fileID) bool { return os.SameFile(s.info, other.info) }

// inode returns 0 for every file; the numbers in a logMarker are then not compared.
func inode(fs.FileInfo) (uint64, time.Time) { return 0, time.Time{} }

// linkCount returns how many hard links a file has: 1, because it is not known here.
func linkCount(fs.FileInfo) uint64 { return 1 }
