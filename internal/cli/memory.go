package cli

import (
	"runtime"
	"runtime/debug"
)

// heapFloor is how much garbage may always gather before a collection, in bytes.
const heapFloor = 64 << 20

// raiseHeap lets garbage gather for as long as it fits into heapFloor, and returns a function that ends that.
//
// The collector runs when the heap has doubled. A store of a few megabytes doubles many times a second under load, and
// collecting was a tenth of what a GraphQL read costs. A block that nobody writes to counts as heap, but takes no memory:
// the kernel gives it pages only when they are touched. GOGC and GOMEMLIMIT work as ever.
//
// Once the history is read, the memory that reading took goes back to the kernel. A set of configs that is larger than the
// floor doubles seldom, so the floor is dropped for it.
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
