package main

import (
	"os"
	"syscall"
	"time"
)

// syncData waits until the data of a file are on the disk, as SQLite does.
func syncData(f *os.File) error {
	return os.NewSyscallError("fdatasync", syscall.Fdatasync(int(f.Fd())))
}

// rusageThread is RUSAGE_THREAD, which package syscall lacks.
const rusageThread = 1

// threadCPU returns the CPU time of the calling thread.
func threadCPU() time.Duration { return usedCPU(rusageThread) }
