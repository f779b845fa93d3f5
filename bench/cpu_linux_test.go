package main

import (
	"os"
	"testing"
)

// Only Linux has /proc.
func TestCPUOfThisProcess(t *testing.T) {
	begin := ownCPU()
	for ownCPU()-begin < 5*tick { // work
	}
	own, seen := ownCPU(), cpuOf(os.Getpid())
	if difference := own - seen; difference < -2*tick || difference > 4*tick {
		t.Errorf("got %v from /proc, want about %v", seen, own)
	}
}
