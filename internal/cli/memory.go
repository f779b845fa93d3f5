package cli

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// heapFloor is how much garbage may always gather before a collection, in bytes.
const heapFloor = 64 << 20

// holdHeapFloor lets garbage gather up to heapFloor, and returns a function that ends that.
//
// The collector runs when the heap has doubled. The heap of a small store doubles many times a
// second under load, which costs a tenth of a GraphQL read: see BenchmarkHeapFloor. The floor is a
// block that is never written to: it counts as heap, but the kernel gives it no pages. GOGC and
// GOMEMLIMIT work as usual.
//
// Once the history is read, the memory that this took is returned to the kernel. A heap that is
// larger than the floor doubles seldom, so the floor is dropped then.
func holdHeapFloor(ready <-chan struct{}) (lower func()) {
	lowered, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		holdBlock(ready, lowered)
	}()
	return func() {
		close(lowered)
		<-ended
	}
}

func holdBlock(ready, lowered <-chan struct{}) {
	floor := make([]byte, heapFloor)
	select {
	case <-ready:
	case <-lowered:
		return
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapAlloc < 2*heapFloor { // one half is the floor itself
		<-lowered
		runtime.KeepAlive(floor)
		return
	}
	floor = nil
	runtime.GC() // the next collection was scheduled with the floor
}

const (
	// memoryAboveState is how much memory the server may use besides its state before the collector
	// works harder, in bytes. It is less than the promised 1 GiB, because the limit is a soft one.
	memoryAboveState = 768 << 20
	// limitInterval is how often the limit is set.
	limitInterval = time.Second
	// verifyingPercent is the GOGC while the history is verified, with more than largeHeap live
	// bytes.
	verifyingPercent, largeHeap = 25, 2 * heapFloor
)

// limitMemory sets the collector's soft memory limit to the size of the state plus
// memoryAboveState, until ctx ends. Without a limit the heap may grow to twice the live heap, and
// answers of 256 MiB would take 512 MiB. The state is the live heap without the bytes that requests
// have reserved. A GOMEMLIMIT of the environment is kept, and then nothing is done.
//
// While the history is verified, which makes garbage all the time, a large heap is collected when
// it has grown by a quarter.
func limitMemory(ctx context.Context, reserved func() int64, verifying func() bool) error {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		<-ctx.Done()
		return nil
	}
	defer debug.SetMemoryLimit(math.MaxInt64)
	ticker := time.NewTicker(limitInterval)
	defer ticker.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	usual, lowered := 0, false
	for {
		metrics.Read(live)
		heap := int64(live[0].Value.Uint64())
		debug.SetMemoryLimit(memoryLimit(heap, reserved()))
		if lower := verifying() && heap > largeHeap; lower && !lowered {
			usual, lowered = lowerGCPercent(), true
		} else if !lower && lowered {
			debug.SetGCPercent(usual)
			lowered = false
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			if lowered {
				debug.SetGCPercent(usual)
			}
			return nil
		}
	}
}

// lowerGCPercent makes the collector run when the heap has grown by verifyingPercent, unless it
// runs earlier anyway or not at all. It returns the percentage before.
func lowerGCPercent() (usual int) {
	usual = debug.SetGCPercent(verifyingPercent)
	if usual < verifyingPercent {
		debug.SetGCPercent(usual)
	}
	return usual
}

// memoryLimit returns the soft limit, given the bytes that were live after the last collection. The
// floor is live but uses no memory, so the limit includes its size.
func memoryLimit(live, reserved int64) int64 {
	return max(live-reserved, heapFloor) + memoryAboveState
}
