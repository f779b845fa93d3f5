package cli

import (
	"context"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"configapi/graph"
	"configapi/internal/configstore"
	"configapi/internal/configstore/configstoretest"
	"configapi/internal/processtest"
)

func TestMemoryLimit(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ live, reserved, want int64 }{
		{0, 0, (64 + 768) * mib},           // only the floor, which uses no memory
		{64 * mib, 0, (64 + 768) * mib},    // no state
		{564 * mib, 0, (564 + 768) * mib},  // a state of 500 MiB
		{800 * mib, 300 * mib, 1268 * mib}, // the same, with requests
		{200 * mib, 300 * mib, 832 * mib},  // requests after the last collection
	} {
		if got := memoryLimit(c.live, c.reserved); got != c.want {
			t.Errorf("%d live, %d reserved: got %d, want %d", c.live, c.reserved, got, c.want)
		}
	}
}

// TestGCPercentWhileVerifying has a large heap, a history that is verified and then is, and a GOGC
// that is kept.
func TestGCPercentWhileVerifying(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	for _, c := range []struct{ usual, want int }{{100, verifyingPercent}, {10, 10}, {-1, -1}} {
		debug.SetGCPercent(c.usual)
		before := lowerGCPercent()
		if got := debug.SetGCPercent(c.usual); got != c.want || before != c.usual {
			t.Errorf("GOGC of %d: is %d while verifying, and %d is given back", c.usual, got, before)
		}
	}
	large := make([]byte, 2*largeHeap)
	runtime.GC()
	synctest.Test(t, func(t *testing.T) {
		debug.SetGCPercent(100)
		ctx, cancel := context.WithCancel(t.Context())
		var verifying atomic.Bool
		ended := make(chan error)
		go func() { ended <- limitMemory(ctx, func() int64 { return 0 }, verifying.Load) }()
		for _, now := range []bool{true, false, true} {
			verifying.Store(now)
			time.Sleep(2 * limitInterval)
			synctest.Wait()
			want := map[bool]int{true: verifyingPercent, false: 100}[now]
			got := debug.SetGCPercent(want)
			if got != want {
				t.Errorf("verifying %t: the percentage is %d, want %d", now, got, want)
			}
		}
		cancel()
		<-ended
		if got := debug.SetGCPercent(100); got != 100 {
			t.Errorf("at the end the percentage is %d", got)
		}
	})
	runtime.KeepAlive(large)
}

// TestLimitMemory checks that the limit is set while the server runs, and that a GOMEMLIMIT is
// kept.
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
		}, func() bool { return false })
	}()
	<-asked // the first limit
	<-asked // the second one: the first is set now
	if limit := debug.SetMemoryLimit(-1); limit < memoryAboveState || limit == math.MaxInt64 {
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
	if err := limitMemory(over, func() int64 { t.Error("the reserved bytes were asked for"); return 0 }, nil); err != nil {
		t.Error(err)
	}
	if limit := debug.SetMemoryLimit(-1); limit != 7<<30 {
		t.Errorf("the limit of the environment is now %d", limit)
	}
}

// BenchmarkHeapFloor measures GraphQL reads of a small store with and without the floor.
func BenchmarkHeapFloor(b *testing.B) {
	store := configstoretest.New(b, configstore.Options{})
	api := graph.NewHandler(store.Store, graph.Options{})
	for _, floor := range []bool{false, true} {
		name := "without"
		if floor {
			name = "with"
		}
		b.Run(name, func(b *testing.B) {
			if floor {
				defer holdHeapFloor(store.Ready())()
			}
			before := processtest.OwnCPU(b)
			for b.Loop() {
				const query = `{"query":"{ configs(first: 1) { nodes { name value } } }"}`
				r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(query))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				api.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
			b.ReportMetric(float64(processtest.OwnCPU(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}
