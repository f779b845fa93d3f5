package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// tally counts what is written and what each subscriber gets of it. Changes are numbered from 0 in the order in which they are
// begun; each has a revision (a position, or etcd's), which must be the same to all.
type tally struct {
	subscribers int
	base        time.Time     // what times count from
	moved       chan struct{} // holds a token when complete or err may have changed

	mu         sync.Mutex // guards the following
	changes    []tallied
	total      int        // deliveries since the last reset
	complete   int        // changes that every subscriber has
	timed      bool       // deliveries are kept
	deliveries []delivery // since the last reset
	err        error      // the first
}

// tallied is what is known of one change.
type tallied struct {
	revision     int64         // 0 before the first delivery
	acknowledged time.Duration // since base
	delivered    int           // to so many subscribers
}

// delivery is one change at one subscriber.
type delivery struct {
	change int
	at     time.Duration // since base
}

func newTally(subscribers int) *tally {
	return &tally{subscribers: subscribers, base: time.Now(), moved: make(chan struct{}, 1)}
}

// announce returns the number of a change that is about to be written.
func (t *tally) announce() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes = append(t.changes, tallied{})
	return len(t.changes) - 1
}

// acknowledge notes that the server has answered the write of a change.
func (t *tally) acknowledge(change int) {
	at := time.Since(t.base)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes[change].acknowledged = at
}

// deliver notes that one more subscriber has got a change. That no subscriber gets it twice is for the caller to see to, who
// knows which revision the subscriber had before.
func (t *tally) deliver(change int, revision int64, at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if change >= len(t.changes) {
		return fmt.Errorf("change %d was never written", change)
	}
	c := &t.changes[change]
	if c.revision == 0 {
		c.revision = revision
	}
	if c.revision != revision || c.delivered == t.subscribers {
		return fmt.Errorf("change %d came %d times, as revision %d and as %d", change, c.delivered+1, c.revision, revision)
	}
	c.delivered++
	t.total++
	if t.timed {
		t.deliveries = append(t.deliveries, delivery{change, at.Sub(t.base)})
	}
	if c.delivered == t.subscribers {
		t.complete++
		t.signal()
	}
	return nil
}

// fail ends all waiting.
func (t *tally) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
	t.signal()
}

func (t *tally) signal() {
	select {
	case t.moved <- struct{}{}:
	default:
	}
}

// awaitBehind waits until at most so many changes have not reached every subscriber. One goroutine at a time may wait.
func (t *tally) awaitBehind(ctx context.Context, most int) error {
	for {
		written, complete, err := t.progress()
		if err != nil || written-complete <= most {
			return err
		}
		select {
		case <-t.moved:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d changes have not reached all %d subscribers: %w", written-complete, written, t.subscribers, ctx.Err())
		}
	}
}

func (t *tally) progress() (written, complete int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.changes), t.complete, t.err
}

// reset begins a measurement, which is the only one that deliveries are counted for. Nothing may be under way. expected is how
// many deliveries to make room for beforehand; 0: only their number is wanted.
func (t *tally) reset(expected int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total, t.timed, t.deliveries = 0, expected > 0, make([]delivery, 0, expected)
}

// delivered is the number of deliveries since the last reset.
func (t *tally) delivered() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// delays are the times from the acknowledgement of the write to the frame, ascending, of all deliveries since the last reset.
// A frame that came before the acknowledgement counts as 0.
func (t *tally) delays() []time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	delays := make([]time.Duration, len(t.deliveries))
	for i, d := range t.deliveries {
		delays[i] = max(d.at-t.changes[d.change].acknowledged, 0)
	}
	slices.Sort(delays)
	return delays
}

// failure is the first error, nil when there was none.
func (t *tally) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
