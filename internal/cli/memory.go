package cli

import "runtime"

// heapFloor is how much garbage may always gather before a collection, in bytes.
const heapFloor = 64 << 20

// raiseHeap lets garbage gather for as long as it fits into heapFloor, and returns a function that ends that.
//
// The collector runs when the heap has doubled. A store of a few megabytes doubles many times a second under load, and
// collecting was a tenth of what a GraphQL read costs. A block that nobody writes to counts as heap, but takes no memory:
// the kernel gives it pages only when they are touched. GOGC and GOMEMLIMIT work as ever.
func raiseHeap() (lower func()) {
	floor := make([]byte, heapFloor)
	return func() { runtime.KeepAlive(floor) }
}
