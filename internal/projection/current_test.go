package projection_test

import (
	"testing"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/eventstore/memory"
	"configapi/internal/projection"
)

// TestCurrentHoweverOftenTheHeadIsRead has a follower that is always three events behind, while
// somebody reads the head at each event.
func TestCurrentHoweverOftenTheHeadIsRead(t *testing.T) {
	h, p := newHistory(t), projection.New(forgetful{})
	f := projection.NewFollower(p, memory.New(), projection.Options{})
	begin := f.Current()
	const events, behind = 100, 3
	for n := 1; n <= events; n++ {
		read := begin.Add(time.Duration(n) * time.Second)
		f.Look(eventstore.Seq(n+behind), read)
		from := h.head
		if err := p.Apply(from, mustDecode(t, h.set("a", "b"))); err != nil {
			t.Fatal(err)
		}
		if lag := read.Sub(f.Current()); lag > 2*(behind+1)*time.Second {
			t.Fatalf("at event %d: known to be current %v ago", n, lag)
		}
	}
	at := begin.Add(time.Hour)
	f.CaughtUp(at)
	f.CaughtUp(begin)
	if got := f.Current(); got != at {
		t.Errorf("got current %v, want %v", got, at)
	}
}
