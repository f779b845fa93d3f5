package eventstoretest

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// MustYield fails the test unless work lets other goroutines run at least times times while there
// is only one processor. Work should take a few milliseconds at most and yield more often than
// times, because the scheduler decides which goroutine runs next. MustYield must not run in
// parallel with other tests.
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
