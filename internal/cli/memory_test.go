package cli

import (
	"context"
	"math"
	"runtime/debug"
	"testing"
	"testing/synctest"
)

func TestMemoryLimit(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ live, reserved, want int64 }{
		{0, 0, (64 + 896) * mib},           // the block of raiseHeap may be taken in addition
		{64 * mib, 0, (64 + 896) * mib},    // no set
		{564 * mib, 0, (564 + 896) * mib},  // a set of 500 MiB
		{800 * mib, 300 * mib, 1396 * mib}, // the same, and requests
		{200 * mib, 300 * mib, 960 * mib},  // requests that came after the last collection
	} {
		if got := memoryLimit(c.live, c.reserved); got != c.want {
			t.Errorf("%d live, %d reserved: got %d, want %d", c.live, c.reserved, got, c.want)
		}
	}
}

// TestLimitMemory: the limit is set while the server runs, and a limit of the environment stays.
func TestLimitMemory(t *testing.T) { synctest.Test(t, testLimitMemory) }

func testLimitMemory(t *testing.T) {
	before := debug.SetMemoryLimit(math.MaxInt64)
	defer debug.SetMemoryLimit(before)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, 1)
	ended := make(chan error)
	go func() {
		ended <- limitMemory(ctx, func() int64 {
			asked <- struct{}{}
			return 0
		})
	}()
	<-asked // for the first limit
	<-asked // for the second: the first is set
	if limit := debug.SetMemoryLimit(-1); limit < roomAboveSet || limit == math.MaxInt64 {
		t.Errorf("the limit is %d", limit)
	}
	cancel()
	select {
	case <-asked:
		<-ended
	case <-ended:
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		t.Errorf("the limit is left at %d", limit)
	}

	debug.SetMemoryLimit(7 << 30)
	over, stop := context.WithCancel(t.Context())
	stop()
	if err := limitMemory(over, func() int64 { t.Error("somebody looks at the set"); return 0 }); err != nil {
		t.Error(err)
	}
	if limit := debug.SetMemoryLimit(-1); limit != 7<<30 {
		t.Errorf("the limit of the environment is now %d", limit)
	}
}
