package configstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"configapi/internal/eventstore"
)

const (
	// maxClockAhead is by how much this node's clock may be ahead of that of the event store's
	// server until nothing is written: instants of the past that one such event covers would have
	// no state of their own for ever.
	maxClockAhead = time.Minute
	// maxClockDrift is how far this node's clock may move against its steady clock until the
	// server's is asked again.
	maxClockDrift = 2 * time.Second
	// maxClockJump is how far it may move where there is no server to ask, until that is called a
	// jump.
	maxClockJump = time.Minute
	// clockJumpMemory is how long a jump is reported. Afterwards the clock is taken for right.
	clockJumpMemory = time.Hour
)

// clocked is an event store on a server with a clock of its own.
type clocked interface {
	eventstore.Store
	// Now returns the time of the server. It does not wait for reads of users.
	Now(ctx context.Context) (time.Time, error)
}

// clock watches the wall clock of this node: against that of the event store's server where there
// is one, else against the steady clock of this machine, which cannot be set.
type clock struct {
	wall   func() time.Time
	server clocked // nil: there is none

	mu     sync.Mutex // guards what is below
	base   reading    // when the server was last asked, or when this began
	asked  bool       // the server has answered
	offset time.Duration
	jumped time.Time // by the steady clock, when a jump was first seen; zero: there is none
}

// reading is one look at all clocks of this machine.
type reading struct {
	wall      time.Time
	steady    time.Time
	suspended time.Duration // for how long the steady clock has stood still while the machine slept
}

// drift is how far the wall clock has moved against the steady one since another reading.
func (r reading) drift(since reading) time.Duration {
	return r.wall.Sub(since.wall) - r.steady.Sub(since.steady) - (r.suspended - since.suspended)
}

func newClock(events eventstore.Store, wall func() time.Time) *clock {
	c := &clock{wall: wall}
	c.server, _ = events.(clocked)
	c.base = c.read()
	return c
}

func (c *clock) read() reading {
	return reading{wall: c.wall().Round(0), steady: time.Now(), suspended: suspended()}
}

// ask compares this node's clock with that of the server. The answer was made at some time between
// two looks at the own clock: only what is outside of that is certain.
func (c *clock) ask(ctx context.Context) error {
	if c.server == nil {
		return nil
	}
	before := c.read()
	theirs, err := c.server.Now(ctx)
	if err != nil {
		return fmt.Errorf("asking the event store for its time: %w", err)
	}
	after := c.read()
	// What the wall clock, as it is set now, showed before the question: it may have been set since.
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

// ahead returns by how much this node's clock is ahead of the server's at least, and whether that
// is as certain as when the server was last asked.
func (c *clock) ahead() (d time.Duration, certain bool) {
	now := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.asked {
		return 0, false
	}
	drift := now.drift(c.base)
	return c.offset + drift, drift.Abs() <= maxClockDrift
}

// serverOffset is by how much this node's clock was ahead of the server's when that was last asked;
// negative: behind.
func (c *clock) serverOffset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// jump is by how much the clock was set ahead (> 0) or back (< 0) since it was taken for right, 0
// when by no more than maxClockJump. Where there is a server, its clock says more.
func (c *clock) jump() time.Duration {
	if c.server != nil {
		return 0
	}
	now := c.read()
	c.mu.Lock()
	defer c.mu.Unlock()
	drift := now.drift(c.base)
	switch {
	case drift.Abs() <= maxClockJump:
		c.jumped = time.Time{}
		return 0
	case c.jumped.IsZero():
		c.jumped = now.steady
	case now.steady.Sub(c.jumped) > clockJumpMemory:
		c.base, c.jumped = now, time.Time{}
		return 0
	}
	return drift
}

// checkClock returns an error of kind [Unavailable] when this node's clock is too far ahead for an
// event to be written.
func (s *Store) checkClock(ctx context.Context) error {
	if s.clock.server == nil {
		return nil
	}
	ahead, certain := s.clock.ahead()
	if !certain {
		s.askHead(ctx)
		ahead, _ = s.clock.ahead()
	}
	if ahead > maxClockAhead {
		return &UnavailableError{Cause: ErrClockAhead}
	}
	return nil
}

// watchClock looks at the clock now and then, until ctx ends, and logs when it is wrong and when it
// is right again.
func (s *Store) watchClock(ctx context.Context) {
	if s.opts.ClockInterval < 0 {
		return
	}
	tick := time.NewTicker(s.opts.ClockInterval)
	defer tick.Stop()
	logged := ""
	for {
		if s.clock.server != nil {
			s.askHead(ctx)
		}
		if now := s.clockProblem(); now != logged {
			logged = now
			if now == "" {
				s.opts.Log.Info("the clock is right again")
			} else {
				s.opts.Log.Warn("the clock is wrong: keep it by NTP", "problem", now, "offset", s.clock.serverOffset(),
					"jump", s.clock.jump(), "head_ahead", s.headAhead())
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// clockProblem names what is wrong with the clock, "" when nothing is.
func (s *Store) clockProblem() string {
	switch offset := s.clock.serverOffset(); {
	case offset > maxClockAhead:
		return "too far ahead of the event store's server: nothing is written"
	case offset.Abs() > MaxClockOffset:
		return "not that of the event store's server"
	case s.clock.jump() != 0:
		return "it was set by more than a minute"
	case s.headAhead() != 0:
		return "behind the newest event"
	}
	return ""
}

// headAhead is by how much the time of the newest event that is applied is after the present; 0
// when by no more than [MaxClockOffset].
func (s *Store) headAhead() time.Duration {
	head := s.branch.Load().view().Head()
	if head.Seq == 0 {
		return 0
	}
	if ahead := head.RecordedAt.Sub(s.opts.Now()); ahead > MaxClockOffset {
		return ahead
	}
	return 0
}

// MaxClockOffset is how far clocks may be apart before that is reported.
const MaxClockOffset = 2 * time.Second

// ErrClockAhead is the cause of an error of a write that was refused because of the clock.
var ErrClockAhead = errors.New("nothing was written: this server's clock is more than a minute ahead of the database's; " +
	"write to another server, or set the clock right")
