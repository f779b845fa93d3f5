package eventstore_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"configapi/internal/config"
	"configapi/internal/eventstore"
)

func erasing(seq eventstore.Seq, erases ...int64) *eventstore.Revision {
	return &eventstore.Revision{Seq: seq, Stream: &config.StreamEvent{Erases: erases}}
}

func erased(seq eventstore.Seq) *eventstore.Revision {
	return &eventstore.Revision{Seq: seq, Event: config.Event{Erased: true}}
}

// TestErasuresAreExplainedByLaterEvents compares with a plain set.
func TestErasuresAreExplainedByLaterEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var e eventstore.Erasures
		unexplained, said := make(map[eventstore.Seq]bool), make(map[eventstore.Seq]bool)
		for seq := eventstore.Seq(1); seq < 200; seq++ {
			at := seq * 999 // over several blocks
			r := &eventstore.Revision{Seq: at}
			switch rapid.IntRange(0, 2).Draw(t, "event") {
			case 0:
				r = erased(at)
				unexplained[at] = true
			case 1:
				gone := eventstore.Seq(rapid.IntRange(1, int(seq)).Draw(t, "erases")-1) * 999
				if gone == 0 {
					continue
				}
				r = erasing(at, int64(gone))
				delete(unexplained, gone)
				said[gone] = true
			}
			if err := e.Check([]*eventstore.Revision{r}); err != nil {
				t.Fatal(err)
			}
			e.Add([]*eventstore.Revision{r})
		}
		first := eventstore.Seq(0)
		for seq := eventstore.Seq(199 * 999); seq > 0; seq -= 999 {
			if e.Erased(seq) != said[seq] {
				t.Fatalf("seq %d: erased: %t, want %t", seq, e.Erased(seq), said[seq])
			}
			if unexplained[seq] {
				first = seq
			}
		}
		var broken *eventstore.ChainError
		if err := e.Unexplained(); (err != nil) != (first > 0) || err != nil && (!errors.As(err, &broken) || broken.Seq != first) {
			t.Fatalf("got %v, want a break at %d", err, first)
		}
	})
}

func TestErasuresOfWhatIsNotBefore(t *testing.T) {
	for _, seq := range []int64{-1, 0, 7, 8, 1 << 62} {
		var e eventstore.Erasures
		err := e.Check([]*eventstore.Revision{erasing(7, 1, seq)})
		if want := fmt.Sprintf("the history is broken at position 7: it erases position %d, which is not before it", seq); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
