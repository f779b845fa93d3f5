package configstore

import (
	"context"
	"time"

	"configapi/internal/fault"
)

// MaxClockOffset is how far clocks may be apart before that is reported.
const MaxClockOffset = 2 * time.Second

// maxClockAhead is how far this node's clock may be ahead of that of the event store's server until
// nothing is written: for ever, an instant between the two clocks would have no state of its own.
const maxClockAhead = time.Minute

// checkClock returns an error of kind [fault.Unavailable] when this node's clock is too far ahead
// for an event to be written.
func (s *Store) checkClock(ctx context.Context) error {
	if !s.clock.HasServer() {
		return nil
	}
	ahead, certain := s.clock.Ahead()
	if !certain {
		s.probe(ctx)
		ahead, _ = s.clock.Ahead()
	}
	if ahead > maxClockAhead {
		return fault.NotWritten(fault.ErrClockAhead)
	}
	return nil
}

// watchClock compares the clock regularly until ctx ends. It logs when the clock becomes wrong, and
// when it is right again.
func (s *Store) watchClock(ctx context.Context) {
	if s.opts.ClockInterval < 0 {
		return
	}
	tick := time.NewTicker(s.opts.ClockInterval)
	defer tick.Stop()
	logged := ""
	for {
		if s.clock.HasServer() {
			s.probe(ctx)
		}
		if now := s.clockProblem(); now != logged {
			logged = now
			if now == "" {
				s.opts.Log.Info("the clock is right again")
			} else {
				s.opts.Log.Warn("the clock is wrong: keep it by NTP", "problem", now,
					"offset", s.clock.Offset(), "jump", s.clock.Jump(), "head_ahead", s.headAhead())
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// clockProblem names what is wrong with the clock. It returns "" when nothing is.
func (s *Store) clockProblem() string {
	switch offset := s.clock.Offset(); {
	case offset > maxClockAhead:
		return "too far ahead of the event store's server: nothing is written"
	case offset.Abs() > MaxClockOffset:
		return "not that of the event store's server"
	case s.clock.Jump() != 0:
		return "it was set by more than a minute"
	case s.headAhead() != 0:
		return "behind the newest event"
	}
	return ""
}

// headAhead returns how far the time of the newest applied event is after the present. 0: by no
// more than [MaxClockOffset].
func (s *Store) headAhead() time.Duration {
	head := s.generation.Load().view().Head()
	if head.Seq == 0 {
		return 0
	}
	if ahead := head.RecordedAt.Sub(s.clock.Now()); ahead > MaxClockOffset {
		return ahead
	}
	return 0
}
