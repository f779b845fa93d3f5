package processtest

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestCPUOfThisProcess(t *testing.T) {
	for begin := OwnCPU(t); OwnCPU(t)-begin < 5*Tick; { // work
	}
	before, seen, after := OwnCPU(t), CPUOf(os.Getpid()), OwnCPU(t) // to look takes time, too
	if seen < before-4*Tick || seen > after+2*Tick {
		t.Errorf("got %v from /proc, want %v to %v", seen, before, after)
	}
}

func TestMemoryOfThisProcess(t *testing.T) {
	before, err := MemoryOf(os.Getpid())
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
	after, err := MemoryOf(os.Getpid())
	if grown := after.Resident - before.Resident; err != nil || grown < size*3/4 || grown > size*5/4 || after.Peak < after.Resident {
		t.Errorf("got %d more, peak %d, %v, want about %d", grown, after.Peak, err, size)
	}
	if err := syscall.Munmap(touched); err != nil {
		t.Error(err)
	}
}

func TestPeakIsForgotten(t *testing.T) {
	p := startShell(t, "exec sleep 100")
	if err := p.ForgetPeak(); err != nil {
		t.Fatal(err)
	}
	if m, err := p.Memory(); err != nil || m.Peak < m.Resident || p.CPU() > time.Minute {
		t.Errorf("got %+v, %v, and %v of CPU", m, err, p.CPU())
	}
}
