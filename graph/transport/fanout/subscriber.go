package fanout

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
)

// Receiver is a subscription as its protocol has it on a connection. It is safe for concurrent use.
type Receiver interface {
	// Send queues a message for the client, and waits while its connection holds too much. The
	// receiver retains the message's memory until it is sent. The error says that the subscription
	// is over.
	Send(ctx context.Context, m *Message) error
	// Offer is Send without a wait, for the connection's Flush to write. It reports false when the
	// message was not queued.
	Offer(m *Message) bool
	// Finish sends the client the errors, if any, and that the subscription is over.
	Finish(ctx context.Context, errs gqlerror.List)
	// Completed reports whether the client wants no more.
	Completed() bool
	// Serve calls serve in a goroutine of the subscription, unless the subscription is over.
	Serve(serve func(ctx context.Context))
}

// Connection is what several receivers may be on. Connections are compared with ==.
type Connection interface {
	// Flush writes what was offered. It does not wait for the client.
	Flush()
	// Abort cuts the connection.
	Abort()
}

// Subscriber is one subscription of one client. A goroutine serves it while it is on its own. Once
// it has joined its group, the group serves it, and it costs no more than its memory.
type Subscriber struct {
	groups     *Groups
	exec       graphql.GraphExecutor
	receiver   Receiver
	connection Connection
	key        groupKey // of the group that it can join
	operation  *graphql.OperationContext
	retained   atomic.Pointer[bounds.Retained] // nil: the subscription has ended

	group *group // nil: it is on its own; guarded by the mutex of groups
	index int    // among those on its connection; guarded by the group's mutex

	mu sync.Mutex // guards what is below
	// offset is up to where it was sent everything. Its own goroutine may read it without the
	// mutex.
	offset       Offset
	joining      bool // its goroutine still runs, and messages of the group wait in backlog
	backlog      []*Message
	backlogBytes int64
	behind       bool // the group has dropped it while it was joining
}

// NewSubscriber returns a subscriber that is served by [Subscriber.Serve]. It releases what it
// retains: see [Subscriber.Release].
func (gs *Groups) NewSubscriber(exec graphql.GraphExecutor, operation *graphql.OperationContext,
	retained *bounds.Retained, receiver Receiver, connection Connection) *Subscriber {
	s := &Subscriber{groups: gs, exec: exec, receiver: receiver, connection: connection, operation: operation}
	s.key = keyOf(operation, gs.opts.OffsetArgument)
	s.retained.Store(retained)
	operation.Extensions = nil // they are the client's own, and must not reach others of its group
	return s
}

// Leave takes the subscriber out of its group: its client gets no more.
func (s *Subscriber) Leave() { s.groups.leave(s) }

// Release gives back what the subscription has in memory while it lasts. It may be called several
// times, and while the subscriber is being served.
func (s *Subscriber) Release() { s.retained.Swap(nil).Release() }

// share gives up what the subscriber itself retains for what its group does.
func (s *Subscriber) share(of *bounds.Retained) {
	own := s.retained.Load()
	if own == nil || own == of || !of.Share() {
		return // the subscription has ended, or it is the group's first
	}
	if s.retained.CompareAndSwap(own, of) {
		own.Release()
	} else {
		of.Release()
	}
}

// Serve serves the subscriber on its own from its offset. It returns when its group serves it, or
// when the subscription is over.
func (s *Subscriber) Serve(ctx context.Context) {
	for joined, over := false, false; !joined && !over; {
		joined, over = s.serveOnce(ctx)
	}
}

// serveOnce serves the subscriber until the subscription is over, or until it has joined its group,
// or until the group has given it up.
func (s *Subscriber) serveOnce(ctx context.Context) (joined, over bool) {
	defer func() {
		if !joined {
			s.Leave()
		}
	}()
	p := NewProducer(ctx, s.exec, s.operation, s.groups.opts.Budgets, s.offset)
	defer p.End()
	joined, over, errs := s.catchUp(ctx, p)
	if over {
		s.receiver.Finish(ctx, errs)
	}
	return joined, over
}

// catchUp sends messages until the subscriber is at the end of its stream, and then joins the
// group.
func (s *Subscriber) catchUp(ctx context.Context, p *Producer) (joined, over bool, errs gqlerror.List) {
	for {
		next, more, errs := p.Next(0)
		if !more || s.sendOwn(ctx, &next) != nil {
			return false, true, errs
		}
		if p.hasOffsets() && next.CaughtUp {
			return s.join(ctx, p)
		}
	}
}

// sendOwn sends a message that was made for this subscriber alone. When others need its memory for
// long, the connection is cut.
func (s *Subscriber) sendOwn(ctx context.Context, m *Message) error {
	m.Memory.Sending(s.connection.Abort)
	defer m.Memory.Release()
	return s.send(ctx, m)
}

// send sends a message, and waits until the connection can hold it.
func (s *Subscriber) send(ctx context.Context, m *Message) error {
	if !m.Silent {
		if err := s.receiver.Send(ctx, m); err != nil {
			return err
		}
	}
	if m.Offset != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.offset = m.Offset
	}
	return nil
}

// join adds the subscriber to its group, sends it what the group had sent at that moment, and then
// what the group has sent since.
func (s *Subscriber) join(ctx context.Context, p *Producer) (joined, over bool, errs gqlerror.List) {
	s.mu.Lock()
	s.joining, s.behind = true, false
	s.mu.Unlock()
	s.key.rights = p.rights
	defer s.dropBacklog()
	for sent := s.groups.join(ctx, s); s.offset.Order() < sent; {
		next, more, errs := p.Next(sent)
		if !more || s.sendOwn(ctx, &next) != nil {
			return false, true, errs
		}
	}
	for {
		next, joined := s.nextOfBacklog()
		switch {
		case joined && s.receiver.Completed():
			return false, true, nil // it completed before there was a group to leave
		case joined:
			return true, false, nil
		case next == nil:
			return false, false, nil
		}
		err := s.send(ctx, next)
		next.Memory.Release()
		if err != nil {
			return false, true, nil
		}
	}
}

// dropBacklog releases the messages that the subscriber was not sent when it does not join.
func (s *Subscriber) dropBacklog() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, next := range s.backlog {
		next.Memory.Release()
	}
	s.backlog, s.backlogBytes = nil, 0
}

// nextOfBacklog takes the next message of the group that the subscriber was not sent yet. When
// there is none, the subscriber has joined, or the group has given it up.
func (s *Subscriber) nextOfBacklog() (next *Message, joined bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.backlog) > 0 && !s.behind {
		next, s.backlog = s.backlog[0], s.backlog[1:]
		s.backlogBytes -= int64(len(next.Body))
		switch s.compare(next) {
		case unsent:
			return next, false
		case overlaps:
			s.behind = true
		}
		next.Memory.Release()
	}
	if s.behind {
		return nil, false
	}
	s.joining, s.backlog = false, nil
	return nil, true
}

// relation is what a message of the group is to a subscriber.
type relation int

const (
	unsent   relation = iota // the subscriber was sent nothing of it
	sent                     // the subscriber was sent all of it while it was on its own
	overlaps                 // the subscriber was sent a part of it
)

// compare needs s.mu.
func (s *Subscriber) compare(m *Message) relation {
	switch at := s.offset.Order(); {
	case m.Offset.Order() <= at:
		return sent
	case m.First <= at:
		return overlaps
	}
	return unsent
}

// take gives the subscriber a message of its group. It does not wait. It reports false when the
// group cannot serve the subscriber any more, which must then be served on its own.
func (s *Subscriber) take(m *Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joining {
		m.Memory.Retain()
		s.backlog = append(s.backlog, m)
		s.backlogBytes += int64(len(m.Body))
		return s.backlogBytes <= s.groups.opts.MaxBacklogBytes
	}
	switch s.compare(m) {
	case sent:
		return true
	case overlaps:
		return false
	}
	if !s.receiver.Offer(m) {
		return false
	}
	s.offset = m.Offset
	return true
}

// detach takes the subscriber out of its group, and has it served on its own again.
func (s *Subscriber) detach() {
	if !s.groups.leave(s) {
		return
	}
	s.mu.Lock()
	joining := s.joining
	s.behind = joining // its own goroutine will see
	s.mu.Unlock()
	if !joining {
		s.receiver.Serve(s.Serve)
	}
}
