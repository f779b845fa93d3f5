package configstore

import (
	"context"
	"errors"
	"time"

	"configapi/internal/eventstore"
	"configapi/internal/fault"
)

const (
	// healthTimeout bounds what [Store.Health] asks the event store.
	healthTimeout = time.Second
	// maxLag is how long this node may be behind the history before [Store.Health] reports it.
	maxLag = 5 * time.Second
)

// ErrBehind says that this node has been behind the history for more than 5 s, although nothing
// else is wrong.
var ErrBehind = errors.New("events are not applied as they come")

// Health says what works. Each error is nil when that part is well, else it says what is wrong.
type Health struct {
	// EventStore: the history can be read.
	EventStore error
	// Projection: all events are applied as they come.
	Projection error
	// Writing: the event store takes writes, as far as was tried, and the clock allows it; see
	// [Store.WriteProblem].
	Writing error
	// Applied is the seq that this node has applied, and Head the seq that the event store holds.
	// Head is 0 while it is unknown.
	Applied, Head int64
	// Verified is the position up to which this node knows that the chain of hashes is whole, from
	// the first event on. What it has not read at its start it verifies while it works.
	Verified eventstore.Position
	// Lag is how long ago this node is known to have had all that the event store held. 0: it has
	// it now.
	Lag time.Duration
	// ClockOffset is how far this node's clock is at least ahead (> 0) or behind (< 0) that of the
	// event store's server. 0: not at all, or there is no server, or it has not answered yet.
	ClockOffset time.Duration
	// ClockJump is how far this node's clock was set ahead (> 0) or back (< 0) within the last
	// hour, where there is no server to compare it with. 0: by no more than a minute.
	ClockJump time.Duration
	// HeadAhead is how far the newest event is after this node's clock. 0: by no more than
	// [MaxClockOffset].
	HeadAhead time.Duration
}

// Positions returns how many positions this node is behind the event store, as far as is known.
func (h Health) Positions() int64 { return max(h.Head-h.Applied, 0) }

// Health asks the event store and the follower. It takes at most 1 s. Concurrent
// calls share one question to the event store, which does not wait for reads of users.
func (s *Store) Health(ctx context.Context) Health {
	return s.health(s.probe(ctx))
}

// LastHealth returns what [Store.Health] would return, as far as it is known without asking the
// event store: from the follower, and from the last question.
func (s *Store) LastHealth() Health {
	p := probe{err: s.generation.Load().follower.Problem()}
	if last := s.lastProbe.Load(); last != nil {
		p.head, p.applied = last.head, last.applied
	}
	return s.health(p)
}

// probe is the head of the event store, or why it could not be read.
type probe struct {
	head    eventstore.Head
	applied eventstore.Seq // before the head was read
	err     error
}

// headSeq returns the seq of the head, given what is applied by now: a history that was not behind
// when it was probed has at least that.
func (p probe) headSeq(applied eventstore.Seq) eventstore.Seq {
	if p.err != nil || p.head.Seq < p.applied {
		return p.head.Seq
	}
	return max(p.head.Seq, applied)
}

func (s *Store) health(p probe) Health {
	g := s.generation.Load()
	applied := g.view().Head().Seq
	h := Health{
		Applied: int64(applied), Head: int64(p.headSeq(applied)), Verified: g.verifier.Verified().Position(),
		EventStore: p.err, Projection: g.follower.Problem(), Writing: s.WriteProblem(),
		ClockOffset: s.clock.Offset(), ClockJump: s.clock.Jump(), HeadAhead: s.headAhead(),
	}
	if p.err != nil || h.Positions() > 0 {
		h.Lag = time.Since(g.follower.Current())
	}
	if h.Projection == nil {
		h.Projection = g.err()
	}
	if h.Projection == nil && p.err == nil && h.Lag > maxLag {
		h.Projection = ErrBehind
	}
	return h
}

// Verifying reports whether a part of the history is still to be verified.
func (s *Store) Verifying() bool {
	rest := s.generation.Load().verifier.Rest()
	return rest.From.Seq < rest.To.Seq
}

// WriteProblem returns why nothing can be written, nil when nothing is known against it. The reason
// is one of these: the newest attempt failed because the event store was not available, refused or
// did not answer; the event store knows by itself; this node's clock is too far ahead.
//
// After a failed attempt the writer tries again about every half second, so the answer is never
// older than that and the time of one attempt.
func (s *Store) WriteProblem() error {
	if err := s.attempts.Problem(); err != nil {
		return err
	}
	if store, knows := s.events.(interface{ WriteProblem() error }); knows {
		if err := store.WriteProblem(); err != nil {
			return err
		}
	}
	if ahead, _ := s.clock.Ahead(); ahead > maxClockAhead {
		return fault.ErrClockAhead
	}
	return nil
}

// probe asks the event store for its head and its time. Concurrent calls share one question.
func (s *Store) probe(ctx context.Context) probe {
	answer := s.probes.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
		defer cancel()
		p := s.probeOnce(ctx)
		s.lastProbe.Store(&p)
		return p, nil
	})
	select {
	case a := <-answer:
		return a.Val.(probe)
	case <-ctx.Done():
		return probe{err: ctx.Err()}
	}
}

func (s *Store) probeOnce(ctx context.Context) (p probe) {
	g, asked := s.generation.Load(), time.Now()
	p.applied = g.view().Head().Seq
	// An event store may have a connection of its own for this.
	if store, has := s.events.(interface {
		ProbeHead(context.Context) (eventstore.Head, error)
	}); has {
		p.head, p.err = store.ProbeHead(ctx)
	} else {
		p.head, p.err = s.events.Head(ctx)
	}
	if p.err == nil {
		g.follower.ObserveHead(p.head.Seq, asked)
		_ = s.clock.Ask(ctx) // on an error the last answer counts until the next question
	}
	return p
}

// LogBytes returns the length of the event store's write-ahead log in bytes, and whether the store
// reports it.
func (s *Store) LogBytes() (bytes int64, has bool) {
	store, has := s.events.(interface{ LogBytes() int64 })
	if !has {
		return 0, false
	}
	return store.LogBytes(), true
}
