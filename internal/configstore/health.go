package configstore

import (
	"context"
	"errors"
	"time"

	"configapi/internal/eventstore"
)

// ErrBehind: this node has not caught up with the history for longer than Options.MaxLag, although nothing else is wrong.
var ErrBehind = errors.New("events are not applied as they come")

// Health says what works. Each field is nil when that part is well, else it says what is wrong.
type Health struct {
	// EventStore: the history can be read.
	EventStore error
	// Projection: all events are applied as they come.
	Projection error
	// Writing: the event store takes writes, as far as was tried; see [Store.WriteProblem].
	Writing error
	// Applied and Head are positions: what this node has applied, and what the event store holds. Head is 0 while unknown.
	Applied, Head int64
	// Lag is how long ago this node is known to have had all that the event store held. 0: it has it now.
	Lag time.Duration
	// ClockOffset is by how much at least this node's clock is before (> 0) or behind (< 0) that of the event store's server.
	// 0: not at all, or there is no such server, or it does not answer.
	ClockOffset time.Duration
}

// OK tells whether all is well. A clock that is off is no reason against it: events are in order all the same.
func (h Health) OK() bool { return h.EventStore == nil && h.Projection == nil && h.Writing == nil }

// Positions is by how many positions this node is behind the event store, as far as that is known.
func (h Health) Positions() int64 { return max(h.Head-h.Applied, 0) }

// Health asks the event store and the follower. It takes at most Options.HealthTimeout.
func (s *Store) Health(ctx context.Context) Health {
	ctx, cancel := context.WithTimeout(ctx, s.opts.HealthTimeout)
	defer cancel()

	b := s.branch.Load()
	h := Health{Applied: int64(b.view().Head().Position), Projection: b.follower.Problem(), Writing: s.WriteProblem()}
	head, err := s.events.Head(ctx)
	if err != nil {
		h.EventStore = err
	} else {
		h.Head = int64(head.Position)
		h.ClockOffset = s.clockOffset(ctx)
	}
	if err != nil || h.Positions() > 0 {
		h.Lag = time.Since(b.follower.Current())
	}
	if h.Projection == nil {
		h.Projection = b.err()
	}
	if h.Projection == nil && err == nil && h.Lag > s.opts.MaxLag {
		h.Projection = ErrBehind
	}
	return h
}

// clocked is an event store on a server with a clock of its own.
type clocked interface {
	eventstore.Store
	Now(ctx context.Context) (time.Time, error)
}

// clockOffset compares this node's clock with that of the server. The answer was made at some time between two looks at the
// own clock: only what is outside of that is certain.
func (s *Store) clockOffset(ctx context.Context) time.Duration {
	server, has := s.events.(clocked)
	if !has {
		return 0
	}
	before := s.opts.Now()
	theirs, err := server.Now(ctx)
	after := s.opts.Now()
	switch {
	case err != nil:
		return 0
	case before.After(theirs):
		return before.Sub(theirs)
	case after.Before(theirs):
		return after.Sub(theirs)
	}
	return 0
}
