package configstore

import (
	"context"
	"errors"
	"time"

	"configapi/internal/eventstore"
)

// ErrBehind is that this node has not caught up with the history for longer than Options.MaxLag,
// although nothing else is wrong.
var ErrBehind = errors.New("events are not applied as they come")

// Health says what works. Each field is nil when that part is well, else it says what is wrong.
type Health struct {
	// EventStore: the history can be read.
	EventStore error
	// Projection: all events are applied as they come.
	Projection error
	// Writing: the event store takes writes, as far as was tried, and the clock allows it; see
	// [Store.WriteProblem].
	Writing error
	// Applied and Head are positions: what this node has applied, and what the event store holds. Head is 0 while unknown.
	Applied, Head int64
	// Lag is how long ago this node is known to have had all that the event store held. 0: it has it now.
	Lag time.Duration
	// ClockOffset is by how much at least this node's clock is before (> 0) or behind (< 0) that of the event store's server.
	// 0: not at all, or there is no such server, or it has not answered yet.
	ClockOffset time.Duration
	// ClockJump is by how much this node's clock was set ahead (> 0) or back (< 0) within the last
	// hour, where there is no server to compare it with. 0: by no more than a minute.
	ClockJump time.Duration
	// HeadAhead is by how much the newest event is later than this node's clock. 0: by no more than
	// [MaxClockOffset].
	HeadAhead time.Duration
}

// OK reports whether all is well. A clock that is off is no reason against it as long as events can
// be written: they are in order all the same.
func (h Health) OK() bool { return h.EventStore == nil && h.Projection == nil && h.Writing == nil }

// Positions is by how many positions this node is behind the event store, as far as that is known.
func (h Health) Positions() int64 { return max(h.Head-h.Applied, 0) }

// Health asks the event store and the follower. It takes at most Options.HealthTimeout. All who ask
// at the same time share one question to the event store, which does not wait for reads of users.
func (s *Store) Health(ctx context.Context) Health {
	return s.health(s.askHead(ctx))
}

// Known is what [Store.Health] would say, as far as it is known without asking the event store: by
// the follower, and by the last call of Health.
func (s *Store) Known() Health {
	f := found{err: s.branch.Load().follower.Problem()}
	if last := s.found.Load(); last != nil {
		f.head, f.applied = last.head, last.applied
	}
	return s.health(f)
}

// found is the head of the event store as it was found, or why it was not.
type found struct {
	head    eventstore.Head
	applied eventstore.Seq // before it was asked for
	err     error
}

// position is that of the head, given what is applied by now: a history that was not behind when it
// was asked has at least that.
func (f found) position(applied eventstore.Seq) eventstore.Seq {
	if f.err != nil || f.head.Seq < f.applied {
		return f.head.Seq
	}
	return max(f.head.Seq, applied)
}

func (s *Store) health(f found) Health {
	b := s.branch.Load()
	applied := b.view().Head().Seq
	h := Health{
		Applied: int64(applied), Head: int64(f.position(applied)),
		EventStore: f.err, Projection: b.follower.Problem(), Writing: s.WriteProblem(),
		ClockOffset: s.clock.serverOffset(), ClockJump: s.clock.jump(), HeadAhead: s.headAhead(),
	}
	if f.err != nil || h.Positions() > 0 {
		h.Lag = time.Since(b.follower.Current())
	}
	if h.Projection == nil {
		h.Projection = b.err()
	}
	if h.Projection == nil && f.err == nil && h.Lag > s.opts.MaxLag {
		h.Projection = ErrBehind
	}
	return h
}

// WriteProblem says why nothing can be written: the newest attempt failed because the store was
// away, refused, or did not answer; or the event store knows by itself; or this node's clock is too
// far ahead. nil: nothing is known against it. While an attempt has failed the store tries again by
// itself about once in Options.RetryMax, so that the answer is never older than that and the time
// of one attempt.
func (s *Store) WriteProblem() error {
	if err := s.writes.problem(); err != nil {
		return err
	}
	if store, knows := s.events.(interface{ WriteProblem() error }); knows {
		if err := store.WriteProblem(); err != nil {
			return err
		}
	}
	if ahead, _ := s.clock.ahead(); ahead > maxClockAhead {
		return ErrClockAhead
	}
	return nil
}

// askHead asks the event store for its head and its time, together with all others who ask now.
func (s *Store) askHead(ctx context.Context) found {
	answer := s.asking.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.Background(), s.opts.HealthTimeout)
		defer cancel()
		f := s.findHead(ctx)
		s.found.Store(&f)
		return f, nil
	})
	select {
	case a := <-answer:
		return a.Val.(found)
	case <-ctx.Done():
		return found{err: ctx.Err()}
	}
}

func (s *Store) findHead(ctx context.Context) (f found) {
	b, asked := s.branch.Load(), time.Now()
	f.applied = b.view().Head().Seq
	// An event store may have a connection of its own for this.
	if store, has := s.events.(interface {
		Probe(context.Context) (eventstore.Head, error)
	}); has {
		f.head, f.err = store.Probe(ctx)
	} else {
		f.head, f.err = s.events.Head(ctx)
	}
	if f.err == nil {
		b.follower.Look(f.head.Seq, asked)
		_ = s.clock.ask(ctx) // it is asked again soon; until then the answer of before counts
	}
	return f
}

// LogBytes is how long the write-ahead log of the event store is, in bytes, where it has one that
// it tells of.
func (s *Store) LogBytes() (bytes int64, has bool) {
	store, has := s.events.(interface{ LogBytes() int64 })
	if !has {
		return 0, false
	}
	return store.LogBytes(), true
}
