package eventstoretest

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// MustYield fails the test unless work, of some milliseconds at most, lets other goroutines run so
// many times although there is but one processor. The scheduler decides who is next, so it is to be
// less often than work yields. It must not run in parallel with other tests.
func MustYield(t testing.TB, times int64, work func()) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var turns atomic.Int64
	var done atomic.Bool
	var other sync.WaitGroup
	other.Go(func() {
		for !done.Load() {
			turns.Add(1)
			runtime.Gosched()
		}
	})
	for turns.Load() == 0 {
		runtime.Gosched()
	}
	before := turns.Load()
	work()
	got := turns.Load() - before
	done.Store(true)
	other.Wait()
	if got < times {
		t.Errorf("another goroutine ran %d times, want %d", got, times)
	}
}
