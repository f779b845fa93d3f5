package main

import (
	"os"
	"syscall"
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

func TestMemoryOfThisProcess(t *testing.T) {
	before, err := rssOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	touched, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < size; i += os.Getpagesize() {
		touched[i] = 1
	}
	after, err := rssOf(os.Getpid())
	if grown := after - before; err != nil || grown < size*3/4 || grown > size*5/4 {
		t.Errorf("got %d more, %v, want about %d", grown, err, size)
	}
	if err := syscall.Munmap(touched); err != nil {
		t.Error(err)
	}
}
