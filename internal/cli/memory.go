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

// raiseHeap lets garbage gather for as long as it fits into heapFloor, and returns a function that ends that.
//
// The collector runs when the heap has doubled. A store of a few megabytes doubles many times a second under load, and
// collecting was a tenth of what a GraphQL read costs. A block that nobody writes to counts as heap, but takes no memory:
// the kernel gives it pages only when they are touched. GOGC and GOMEMLIMIT work as ever.
//
// Once the history is read, the memory that reading took goes back to the kernel. A set of configs
// that is larger than the floor doubles seldom, so the floor is dropped for it.
func raiseHeap(ready <-chan struct{}) (lower func()) {
	lowered, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		holdFloor(ready, lowered)
	}()
	return func() {
		close(lowered)
		<-ended
	}
}

func holdFloor(ready, lowered <-chan struct{}) {
	floor := make([]byte, heapFloor)
	select {
	case <-ready:
	case <-lowered:
		return
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	if runtime.ReadMemStats(&m); m.HeapAlloc < 2*heapFloor { // the floor itself is one half
		<-lowered
		runtime.KeepAlive(floor)
		return
	}
	floor = nil
	runtime.GC() // the next collection was set with the floor
}

const (
	// roomAboveSet is how much memory the server takes besides its set before the collector works
	// harder, in bytes. It is a little less than the 1 GiB that the server is to stay below.
	roomAboveSet = 896 << 20
	// limitInterval is the time between two looks at the set.
	limitInterval = time.Second
)

// limitMemory keeps the soft limit of the collector at the size of the set and roomAboveSet, until
// ctx ends. Without it the heap may grow to twice of what is live, so that answers of 256 MiB take
// 512 MiB. The set is what is live and not reserved by requests, of which reserved tells the bytes.
// A GOMEMLIMIT of the environment stays as it is.
func limitMemory(ctx context.Context, reserved func() int64) error {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		<-ctx.Done()
		return nil
	}
	defer debug.SetMemoryLimit(math.MaxInt64)
	ticker := time.NewTicker(limitInterval)
	defer ticker.Stop()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		metrics.Read(live)
		debug.SetMemoryLimit(memoryLimit(int64(live[0].Value.Uint64()), reserved()))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// memoryLimit returns the soft limit when so many bytes were live after the last collection. The
// block of raiseHeap is among the live ones, but takes no memory, so it may be taken in addition.
func memoryLimit(live, reserved int64) int64 {
	return max(live-reserved, heapFloor) + roomAboveSet
}
