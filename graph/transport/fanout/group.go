package fanout

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/gqlmsg"
)

// Options of [Groups].
type Options struct {
	// Budgets are shared with all transports of a server. They must not be nil.
	Budgets *bounds.Budgets
	// OffsetArgument is the argument of subscriptions that says where a stream starts, and nothing
	// else. Subscriptions that differ in its variable alone share a group. "": there is none.
	OffsetArgument string
	// Shared returns the context of a group, given that of its first subscriber. The group can
	// outlive that subscriber, so the context must not depend on the subscriber's own rights. nil:
	// the context is used as it is.
	Shared func(context.Context) context.Context
	// MaxBacklogBytes is how much of its group's messages a subscriber holds while it joins. One
	// that has more to hold is served on its own again. It must be positive.
	MaxBacklogBytes int64
}

// Groups are the groups of equal subscribers of one transport. They are safe for concurrent use.
type Groups struct {
	opts    Options
	running sync.WaitGroup // the goroutines of groups

	mu    sync.Mutex // guards byKey; it is locked before the mutex of a group
	byKey map[groupKey]*group
}

// NewGroups returns groups that have no subscribers. It panics when an option that must be given is
// not.
func NewGroups(opts Options) *Groups {
	if opts.Budgets == nil || opts.MaxBacklogBytes <= 0 {
		panic(fmt.Sprintf("fanout: groups need budgets and a positive MaxBacklogBytes, not %d", opts.MaxBacklogBytes))
	}
	return &Groups{opts: opts, byKey: make(map[groupKey]*group)}
}

// Sizes returns how many subscribers each group has, in no order.
func (gs *Groups) Sizes() []int {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	sizes := make([]int, 0, len(gs.byKey))
	for _, g := range gs.byKey {
		g.mu.Lock()
		sizes = append(sizes, g.members.count)
		g.mu.Unlock()
	}
	return sizes
}

// Wait waits until the goroutines of all groups have ended, or ctx has. They end when their
// subscribers have left.
func (gs *Groups) Wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		gs.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for groups of subscribers: %w", context.Cause(ctx))
	}
}

// group serves subscribers that are equal but for where they started: each message is executed and
// encoded once. A group lasts as long as it has subscribers. One round of writes goes on at a time;
// what happens meanwhile gathers, and is the next message.
type group struct {
	groups    *Groups
	key       groupKey
	exec      graphql.GraphExecutor
	operation *graphql.OperationContext
	from      Offset
	retained  *bounds.Retained // of the operation; nil: the first subscriber has ended
	ctx       context.Context
	cancel    context.CancelFunc

	mu      sync.Mutex // guards what is below
	members members
	sent    int64 // the order up to which the members were sent everything

	round []*Subscriber // the members that get the present message; for the group's goroutine alone
}

// join adds the subscriber to its group, which it starts if there is none. It returns the order up
// to which the group's subscribers were sent everything: what comes after that, the group sends.
func (gs *Groups) join(ctx context.Context, s *Subscriber) (sent int64) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := gs.byKey[s.key]
	if g == nil {
		g = gs.start(ctx, s)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	s.group = g
	s.key, s.operation = g.key, g.operation // equal, and now in memory once
	s.share(g.retained)
	g.members.add(s)
	return g.sent
}

// start makes a group that starts where its first subscriber is. It needs gs.mu.
func (gs *Groups) start(ctx context.Context, s *Subscriber) *group {
	g := &group{groups: gs, key: s.key, exec: s.exec, operation: s.operation, from: s.offset, sent: s.offset.Order()}
	if first := s.retained.Load(); first.Share() {
		g.retained = first
	}
	// The group outlives its first subscriber.
	ctx = context.WithoutCancel(ctx)
	if gs.opts.Shared != nil {
		ctx = gs.opts.Shared(ctx)
	}
	g.ctx, g.cancel = context.WithCancel(ctx)
	gs.byKey[g.key] = g
	gs.running.Go(g.run)
	return g
}

// leave takes the subscriber out of its group. It reports whether it was in one: the caller that
// takes it out decides what becomes of it.
func (gs *Groups) leave(s *Subscriber) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := s.group
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.members.remove(s)
	s.group = nil
	if g.members.count == 0 {
		g.end()
	}
	return true
}

// end stops the group: nobody can join it any more. It needs the mutex of groups.
func (g *group) end() {
	g.cancel()
	if g.groups.byKey[g.key] == g {
		delete(g.groups.byKey, g.key)
	}
}

// run sends messages until the group has no subscribers. When it can give no more, each subscriber
// is served on its own, and sends its client the reason.
func (g *group) run() {
	defer g.retained.Release()
	defer g.dissolve()
	defer func() {
		if value := recover(); value != nil {
			gqlmsg.PresentPanic(g.ctx, g.exec, value) // for the log
		}
	}()
	p := NewProducer(g.ctx, g.exec, g.operation, g.groups.opts.Budgets, g.from)
	defer p.End()
	p.behind = false // its first subscriber has caught up
	for {
		m, more, _ := p.Next(0)
		if !more {
			return
		}
		if p.rights != g.key.rights { // the members may see different things now
			m.Memory.Release()
			return
		}
		g.mu.Lock()
		g.sent = m.Offset.Order()
		g.round = g.members.appendTo(g.round[:0])
		g.mu.Unlock()
		if len(g.round) == 1 {
			m.Memory.Sending(g.round[0].connection.Abort)
		}
		deliver(g.round, &m)
		clear(g.round) // so that it does not keep subscribers that leave
		m.Memory.Release()
	}
}

// dissolve has each subscriber served on its own.
func (g *group) dissolve() {
	g.groups.mu.Lock()
	g.end()
	g.groups.mu.Unlock()
	g.mu.Lock()
	members := g.members.appendTo(nil)
	g.mu.Unlock()
	for _, s := range members {
		s.detach()
	}
}

// deliver gives a message to subscribers, on all processors. It returns when each of them has taken
// it or has left its group: it waits for none. Those on one connection share a write.
func deliver(subscribers []*Subscriber, m *Message) {
	shares := sharesOf(subscribers)
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(shares)); i = next.Add(1) - 1 {
			share := shares[i]
			for j, s := range share {
				if !s.take(m) {
					s.detach()
				}
				if j+1 == len(share) || share[j+1].connection != s.connection {
					s.connection.Flush()
				}
			}
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(shares)) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}
