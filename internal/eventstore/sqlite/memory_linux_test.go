package sqlite

import "syscall"

// memory is a file system in memory. Nothing that a store does depends on where its file is, but each commit waits for a disk.
const memory, enough = "/dev/shm", 1 << 30

func roomInMemory() bool {
	var fs syscall.Statfs_t
	return syscall.Statfs(memory, &fs) == nil && fs.Bavail*uint64(fs.Bsize) >= enough
}
