package transport

import (
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
)

// group serves subscriptions that are equal but for where they began: each message is executed and encoded once, and every
// member gets the same bytes behind its own id. A group lives while it has members.
//
// Who subscribes is served alone until it has caught up, and then joins at the border of a message. Who does not take what
// the group sends leaves it, goes on alone, and joins again later. So nobody waits for anybody, and the messages of a
// group that are held for slow sockets are those of the last [WebsocketOptions.MaxQueuedBytes].
//
// One round of writes goes on at a time. What happens meanwhile gathers, and is the next message.
type group struct {
	groups    *groups
	key       groupKey
	exec      graphql.GraphExecutor
	operation *graphql.OperationContext
	begin     Place
	room      *Room
	holding   *holding // of the operation; nil: the first member has ended
	ctx       context.Context
	cancel    context.CancelFunc

	mu      sync.Mutex // guards what is below
	members []*member
	told    int64 // the order up to which the members were told everything

	round []*member // those who get the present message; for the group's goroutine alone
}

// groups are the groups of one transport.
type groups struct {
	running sync.WaitGroup // their goroutines

	mu    sync.Mutex // guards byKey, and comes before the mutex of a group
	byKey map[groupKey]*group
}

// join makes the member one of its group, which it starts if there is none. It returns the order up to which those in the group
// were told everything: what comes after that, the group sends.
func (gs *groups) join(m *member) (told int64) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := gs.byKey[m.key]
	if g == nil {
		g = gs.start(m)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	m.group, m.index = g, len(g.members)
	m.key, m.operation = g.key, g.operation // equal, and now held in memory once
	m.share(g.holding)
	g.members = append(g.members, m)
	return g.told
}

// start makes a group that begins where its first member is.
func (gs *groups) start(m *member) *group {
	g := &group{groups: gs, key: m.key, exec: m.socket.exec, operation: m.operation, begin: m.place, room: m.socket.transport.options.Room, told: m.place.Order()}
	if first := m.holding.Load(); first.retain() {
		g.holding = first
	}
	// The group outlives the socket of its first member, but not the rights that its context stands for: those are in the key.
	g.ctx, g.cancel = context.WithCancel(context.WithoutCancel(m.socket.operations))
	gs.byKey[g.key] = g
	gs.running.Go(g.run)
	return g
}

// leave takes the member out of its group. It tells whether it was in one: who takes it out decides what becomes of it.
func (gs *groups) leave(m *member) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g := m.group
	if g == nil {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.members) - 1
	g.members[m.index] = g.members[last]
	g.members[m.index].index = m.index
	g.members[last] = nil
	g.members = g.members[:last]
	m.group = nil
	if last == 0 {
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

// run sends messages until the group has no members. When it can give no more, each member goes on alone, and is told the reason.
func (g *group) run() {
	defer g.holding.release()
	defer g.dissolve()
	defer func() {
		if value := recover(); value != nil {
			presentPanic(g.ctx, g.exec, value) // for the log
		}
	}()
	p := newPump(g.ctx, g.exec, g.operation, g.room, g.begin)
	defer p.end()
	p.behind = false // its first member has caught up
	for {
		u, more, _ := p.next(0)
		if !more {
			return
		}
		g.send(&u)
		u.room.release()
	}
}

// dissolve sends the members on their own ways.
func (g *group) dissolve() {
	g.groups.mu.Lock()
	g.end()
	g.groups.mu.Unlock()
	g.mu.Lock()
	members := slices.Clone(g.members)
	g.mu.Unlock()
	for _, m := range members {
		m.goOnAlone()
	}
}

// send is one round of writes.
func (g *group) send(u *update) {
	g.mu.Lock()
	g.told = u.Place.Order()
	g.round = append(g.round[:0], g.members...)
	g.mu.Unlock()
	if len(g.round) == 1 {
		u.room.sending(g.round[0].socket.abort)
	}
	deliver(g.round, u)
	clear(g.round) // so that it does not keep those who leave
}
