package transport

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
)

// member is a subscription on a socket, as its group sees it. While it is alone a goroutine serves it; once it has joined the
// group does, and it costs no more than its memory.
type member struct {
	socket    *socket
	stream    *stream
	key       groupKey // of the group that it can join
	operation *graphql.OperationContext
	holding   atomic.Pointer[holding] // nil: the stream has ended

	group *group // nil: it is alone; guarded by the mutex of groups
	index int    // in the group's members; guarded by the group's mutex

	mu      sync.Mutex // guards what is below
	place   Place      // it was told everything up to there; its own goroutine may read it without the mutex while it runs
	joining bool       // its goroutine still runs, and messages of the group wait in backlog
	backlog []*update
	weight  int  // of the bodies in backlog
	behind  bool // the group has given it up while it was joining
}

// init is called before there is more than one goroutine that knows of the member.
func (m *member) init(s *socket, st *stream, operation *graphql.OperationContext) {
	m.socket, m.stream, m.operation = s, st, operation
	m.key = s.transport.options.keyOf(s.operations, operation)
	operation.Extensions = nil // they are the client's own, and must not get to the others of a group
}

// serve serves the subscription alone from where the member is, and returns when its group does so, or when it has ended.
func (m *member) serve(ctx context.Context) {
	for joined, over := false, false; !joined && !over; {
		joined, over = m.serveOnce(ctx)
	}
}

// serveOnce executes the subscription until it is over, or until the member has joined its group, or was left behind by it.
func (m *member) serveOnce(ctx context.Context) (joined, over bool) {
	defer func() {
		if !joined {
			m.socket.transport.groups.leave(m)
		}
	}()
	p := newPump(ctx, m.socket.exec, m.operation, m.socket.transport.options.Room, m.place)
	defer p.end()
	joined, over, errs := m.serveAlone(ctx, p)
	if over {
		m.socket.finish(ctx, m.stream, errs)
	}
	return joined, over
}

// serveAlone returns when the subscription is over, or when it has joined its group, or when the group has left it behind.
func (m *member) serveAlone(ctx context.Context, p *pump) (joined, over bool, errs gqlerror.List) {
	for {
		next, more, errs := p.next(0)
		if !more || m.tellAlone(ctx, &next) != nil {
			return false, true, errs
		}
		if !p.hasPlaces() || !next.CaughtUp {
			continue
		}
		return m.join(ctx, p)
	}
}

// tellAlone sends a message to this member alone. When others need its room for long, the socket is
// cut.
func (m *member) tellAlone(ctx context.Context, next *update) error {
	next.room.sending(m.socket.abort)
	defer next.room.release()
	return m.tell(ctx, next)
}

// tell sends a message, and waits until there is room for it.
func (m *member) tell(ctx context.Context, next *update) error {
	if next.Silent {
		m.moveTo(next.Place)
		return nil
	}
	if err := m.socket.send(ctx, m.stream.updateFrame(next)); err != nil {
		return err
	}
	if next.Place != nil {
		m.moveTo(next.Place)
	}
	return nil
}

func (m *member) moveTo(p Place) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.place = p
}

// join puts the member into its group, brings it to where the group was at that moment, and then tells it what the group has
// sent since.
func (m *member) join(ctx context.Context, p *pump) (joined, over bool, errs gqlerror.List) {
	m.mu.Lock()
	m.joining, m.behind = true, false
	m.mu.Unlock()
	defer m.dropBacklog()
	for told := m.socket.transport.groups.join(m); m.place.Order() < told; {
		next, more, errs := p.next(told)
		if !more || m.tellAlone(ctx, &next) != nil {
			return false, true, errs
		}
	}
	for {
		next, joined := m.nextOfBacklog()
		switch {
		case joined && m.stream.stopped.Load(): // complete may have come before there was a group to leave
			return false, true, nil
		case joined:
			return true, false, nil
		case next == nil:
			return false, false, nil
		}
		err := m.tell(ctx, next)
		next.room.release()
		if err != nil {
			return false, true, nil
		}
	}
}

// dropBacklog forgets what the member was not told when it does not join.
func (m *member) dropBacklog() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, next := range m.backlog {
		next.room.release()
	}
	m.backlog, m.weight = nil, 0
}

// nextOfBacklog takes the next message of the group that the member was not told yet. The member has joined when there is none,
// and is to go on alone when it is nil.
func (m *member) nextOfBacklog() (next *update, joined bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.backlog) > 0 && !m.behind {
		next, m.backlog = m.backlog[0], m.backlog[1:]
		m.weight -= len(next.body)
		switch m.judge(next) {
		case tellIt:
			return next, false
		case overlaps:
			m.behind = true
		}
		next.room.release()
	}
	if m.behind {
		return nil, false
	}
	m.joining, m.backlog = false, nil
	return nil, true
}

// What a message of the group is to a member.
type verdict int

const (
	tellIt   verdict = iota
	known            // the member was told all of it when it was alone
	overlaps         // the member was told a part of it
)

func (m *member) judge(next *update) verdict {
	switch at := m.place.Order(); {
	case next.Place.Order() <= at:
		return known
	case next.First <= at:
		return overlaps
	}
	return tellIt
}

// take gives the member a message of its group. It does not wait: when it returns false, the member is to go on alone.
func (m *member) take(next *update) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.joining {
		next.room.retain()
		m.backlog = append(m.backlog, next)
		m.weight += len(next.body)
		return m.weight <= int(m.socket.transport.options.MaxQueuedBytes)
	}
	switch m.judge(next) {
	case known:
		return true
	case overlaps:
		return false
	}
	if !m.socket.offer(m.stream.updateFrame(next)) {
		return false
	}
	m.place = next.Place
	return true
}

// goOnAlone takes the member out of its group, and has it served alone again.
func (m *member) goOnAlone() {
	if !m.socket.transport.groups.leave(m) {
		return
	}
	m.mu.Lock()
	joining := m.joining
	m.behind = joining // its own goroutine will see
	m.mu.Unlock()
	if joining {
		return
	}
	m.socket.start(m.stream, func(ctx context.Context) {
		defer m.socket.recoverStream(ctx, m.stream)
		select {
		case m.socket.slots <- struct{}{}:
			defer func() { <-m.socket.slots }()
		case <-ctx.Done():
			return
		}
		m.serve(graphql.StartOperationTrace(ctx))
	})
}
