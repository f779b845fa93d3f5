//go:build unix && !linux

package main

import (
	"os"
	"time"
)

// syncData waits until a file is on the disk.
func syncData(f *os.File) error { return f.Sync() }

// threadCPU returns the CPU time of the process: that of a thread is known on Linux only.
func threadCPU() time.Duration { return ownCPU() }
