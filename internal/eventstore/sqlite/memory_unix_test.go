//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// freeBytes returns how many bytes are free in a file system, 0 if that is unknown.
func freeBytes(dir string) uint64 {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return 0
	}
	return fs.Bavail * uint64(fs.Bsize)
}
