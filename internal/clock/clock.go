// Package clock says how far this node's wall clock can be trusted.
//
// A [Clock] compares the wall clock with that of the event store's server where there is one
// (PostgreSQL), else with the steady clock of this machine, which cannot be set. It never corrects
// the wall clock: it only measures, and the caller decides what to refuse and what to report.
package clock

import (
	"context"
	"fmt"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

const (
	// maxDrift is how far the wall clock may move against the steady clock until the last answer of
	// the server is no longer certain.
	maxDrift = 2 * time.Second
	// maxJump is how far the wall clock may move where there is no server, until that is a jump.
	maxJump = time.Minute
	// jumpMemory is how long a jump is reported. Afterwards the clock is taken for right.
	jumpMemory = time.Hour
)

// server is an event store on a server with a clock of its own.
type server interface {
	// Now returns the time of the server. It does not wait for reads of users.
	Now(ctx context.Context) (time.Time, error)
}

// Clock is the wall clock of this node. It is safe for concurrent use.
type Clock struct {
	wall   func() time.Time
	server server // nil: there is none

	mu     sync.Mutex // guards what is below
	base   reading    // of when the server was last asked, or of when the Clock was made
	asked  bool       // the server has answered
	offset time.Duration
	jumped time.Time // by the steady clock, when a jump was first seen; zero: there is none
}

// reading is one look at all clocks of this machine.
type reading struct {
	wall      time.Time
	steady    time.Time
	suspended time.Duration // how long the machine has slept, while the steady clock stood still
}

// drift returns how far the wall clock has moved against the steady one since another reading.
func (r reading) drift(since reading) time.Duration {
	return r.wall.Sub(since.wall) - r.steady.Sub(since.steady) - (r.suspended - since.suspended)
}

// New returns a clock that reads wall, which must be safe for concurrent use. It compares wall with
// the clock of the event store's server when the store has a method Now.
func New(events eventstore.Store, wall func() time.Time) *Clock {
	c := &Clock{wall: wall}
	c.server, _ = events.(server)
	c.base = c.read()
	return c
}

// Now returns the time of the wall clock.
func (c *Clock) Now() time.Time { return c.wall() }

// HasServer reports whether there is a server to compare the wall clock with.
func (c *Clock) HasServer() bool { return c.server != nil }

func (c *Clock) read() reading {
	return reading{wall: c.wall().Round(0), steady: time.Now(), suspended: suspended()}
}

// Ask compares the wall clock with that of the server. It does nothing when there is no server.
//
// The server answers at some time between two looks at the wall clock, so only an offset outside of
// these two is certain.
func (c *Clock) Ask(ctx context.Context) error {
	if c.server == nil {
		return nil
	}
	before := c.read()
	theirs, err := c.server.Now(ctx)
	if err != nil {
		return fmt.Errorf("asking the event store for its time: %w", err)
	}
	after := c.read()
	// The wall clock may have been set since the question: this is what it would have shown then.
	began := before.wall.Add(after.drift(before))
	offset := time.Duration(0)
	switch {
	case began.After(theirs):
		offset = began.Sub(theirs)
	case after.wall.Before(theirs):
		offset = after.wall.Sub(theirs)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.base, c.asked, c.offset = after, true, offset
	return nil
}

// Ahead returns how far the wall clock is ahead of the server's at least (negative: behind). It
// returns false when the server must be asked again before that is certain: it has not answered
// yet, or the wall clock has moved by more than 2 s against the steady one since.
//
// Every write asks, and two system calls say how long the machine has slept. Ahead leaves them out
// while the two clocks agree: sleep alone would set them apart.
func (c *Clock) Ahead() (d time.Duration, certain bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked {
		return 0, false
	}
	now := reading{wall: c.wall().Round(0), steady: time.Now(), suspended: c.base.suspended}
	drift := now.drift(c.base)
	if drift.Abs() > maxDrift {
		drift = c.read().drift(c.base)
	}
	return c.offset + drift, drift.Abs() <= maxDrift
}

// Offset returns how far the wall clock was ahead of the server's when that was last asked.
// Negative: behind. 0: not at all, or there is no server, or it has not answered yet.
func (c *Clock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// Jump returns how far the wall clock was set ahead (> 0) or back (< 0) within the last hour, where
// there is no server to compare it with. 0: by no more than a minute, or there is a server.
func (c *Clock) Jump() time.Duration {
	if c.server != nil {
		return 0
	}
	now := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	drift := now.drift(c.base)
	switch {
	case drift.Abs() <= maxJump:
		c.jumped = time.Time{}
		return 0
	case c.jumped.IsZero():
		c.jumped = now.steady
	case now.steady.Sub(c.jumped) > jumpMemory:
		c.base, c.jumped = now, time.Time{}
		return 0
	}
	return drift
}

// NotAhead returns the time of the wall clock without what it is known to be ahead by.
func (c *Clock) NotAhead() time.Time {
	return c.wall().Add(-max(c.Offset(), c.Jump(), 0))
}
