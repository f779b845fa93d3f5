package projection_test

import (
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// TestCurrentHoweverOftenTheHeadIsRead has a follower that is always three events behind, while the
// head is read at each event.
func TestCurrentHoweverOftenTheHeadIsRead(t *testing.T) {
	h, p := newHistory(t), projection.New(forgetful{})
	f := projection.NewFollower(p, memory.New(), projection.Options{})
	begin := f.Current()
	const events, behind = 100, 3
	for n := 1; n <= events; n++ {
		read := begin.Add(time.Duration(n) * time.Second)
		f.ObserveHead(eventstore.Seq(n+behind), read)
		from := h.head
		if err := p.Apply(from, mustDecode(t, h.set("a", "b"))); err != nil {
			t.Fatal(err)
		}
		if lag := read.Sub(f.Current()); lag > 2*(behind+1)*time.Second {
			t.Fatalf("at event %d: known to be current %v ago", n, lag)
		}
	}
	at := begin.Add(time.Hour)
	f.ConfirmCurrent(at)
	f.ConfirmCurrent(begin)
	if got := f.Current(); got != at {
		t.Errorf("got current %v, want %v", got, at)
	}
}

func TestNegativeOptionsAreRefused(t *testing.T) {
	for _, opts := range []projection.Options{{PageSize: -1}, {RetryMin: -1}, {RetryMax: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("NewFollower with %+v did not panic", opts)
				}
			}()
			projection.NewFollower(projection.New(forgetful{}), memory.New(), opts)
		}()
	}
}
