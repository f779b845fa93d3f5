package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// tally counts the changes that are written and delivered. Changes are numbered from 0 in the order
// in which their writes begin. Each has a revision (configapi's position or etcd's revision), which
// must be the same for all subscribers.
type tally struct {
	subscribers int
	base        time.Time     // the origin of times
	moved       chan struct{} // has a token after a change of complete or err

	mu         sync.Mutex // guards the fields below
	changes    []tallied
	total      int        // deliveries since the last reset
	complete   int        // changes that every subscriber has
	timed      bool       // deliveries are recorded
	deliveries []delivery // since the last reset
	err        error      // the first error
}

// tallied is the state of one change.
type tallied struct {
	revision     int64         // 0 before the first delivery
	acknowledged time.Duration // since base
	delivered    int           // subscribers that have it
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

// acknowledge records that the write of a change is acknowledged.
func (t *tally) acknowledge(change int) {
	at := time.Since(t.base)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes[change].acknowledged = at
}

// deliver records that one more subscriber has a change. The caller must check that no subscriber
// gets it twice.
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

// fail ends all waits with an error.
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

// awaitBehind waits until at most so many changes have not reached every subscriber. Only one
// goroutine at a time may wait.
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

// reset begins a measurement; only its deliveries count. All changes must be delivered before.
// expected is the number of deliveries to allocate memory for; 0: only count them.
func (t *tally) reset(expected int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total, t.timed, t.deliveries = 0, expected > 0, make([]delivery, 0, expected)
}

// delivered returns the number of deliveries since the last reset.
func (t *tally) delivered() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.total
}

// delays returns the ascending times from acknowledgements to deliveries since the last reset. A
// delivery before the acknowledgement counts as 0.
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

// failure returns the first error, or nil.
func (t *tally) failure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
