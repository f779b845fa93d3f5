package client

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"configapi/test/faults/checker"
	"configapi/test/faults/cluster"
	"configapi/test/faults/history"
	"configapi/test/faults/record"
)

const (
	// mostChanges is the number of changes of an ordinary set, at most. One of largeEvery sets is a
	// large one: it has as many changes as a set may have, and names of its own.
	mostChanges, largeEvery, largeChanges = 30, 200, 1000
	// mostLarge bounds the large sets of a client.
	mostLarge = 2
	// setNames is the number of configs that the sets of a round compete for, among them those of
	// single writes.
	setNames = 40
)

// changeSet is a set of changes that a client sends as one.
type changeSet struct {
	id      string
	writes  []*record.Write
	values  []string         // of the writes, "" where none is given
	seenAt  *record.Position // nil: not said
	reverts *record.Position // the set to undo; the server then makes the changes itself
	graphql bool
	tries   int
}

// made is a change set that was acknowledged, and can be undone.
type made struct {
	position record.Position
	inverse  []*record.Write // without an id
}

// changeTogether sends a change set that has a fair chance to be allowed: new changes, or the
// undoing of a set of this client.
func (c *Client) changeTogether(n *cluster.Node) {
	if c.undoable != nil && c.rand.IntN(4) == 0 {
		s := c.newRevert(c.undoable)
		c.undoable = nil
		c.sendSet(n, s)
		return
	}
	s := c.newSet()
	switch dice := c.rand.IntN(6); {
	case dice == 0:
		if !c.rehearse(n, s) {
			return
		}
		n = c.node()
	case dice == 1 && c.last.Seq > 0:
		s.seeing(c.last)
	}
	c.sendSet(n, s)
}

func (c *Client) newSet() *changeSet {
	c.writes++
	s := &changeSet{
		id:      c.world.Prefix + "." + strconv.Itoa(c.number) + "." + strconv.Itoa(c.writes),
		graphql: c.rand.IntN(2) == 0,
	}
	if c.large < mostLarge && c.rand.IntN(largeEvery) == 0 {
		c.large++
		s.graphql = false // whose answer would cost too much
		for i := range largeChanges {
			c.addChange(s, fmt.Sprintf("%s/many/%d/%d", c.world.Prefix, c.number, i), false)
		}
		return s
	}
	few := []int{2, 3, 5, mostChanges}[c.rand.IntN(4)]
	for _, i := range c.rand.Perm(setNames)[:2+c.rand.IntN(few-1)] {
		c.addChange(s, c.nameOf(i), c.rand.IntN(10) == 0)
	}
	return s
}

// addChange adds a change of a name to a set.
func (c *Client) addChange(s *changeSet, name string, expects bool) {
	k := c.known[name]
	w := &record.Write{Kind: record.Set, Name: name}
	value := s.id + "." + strconv.Itoa(len(s.writes)) + checker.Separator
	switch dice := c.rand.IntN(10); {
	case k.deleted:
		if w.Kind = record.Restore; dice < 5 {
			w.Last, value = true, ""
		}
	case k.version > 0 && c.rand.IntN(30) == 0:
		w.Kind, value = record.Delete, ""
	}
	if expects && k.version > 0 {
		w.Expected = &k.version
	}
	w.Value = history.Digest(value)
	s.add(w, value)
}

// add adds a write, whose id follows from that of the set.
func (s *changeSet) add(w *record.Write, value string) {
	w.Set, w.ID = s.id, checker.IDInSet(s.id, w.Name)
	s.writes, s.values = append(s.writes, w), append(s.values, value)
}

// seeing has a set refused for each name that has changed after a position.
func (s *changeSet) seeing(at record.Position) {
	s.seenAt = &at
	for _, w := range s.writes {
		w.SeenAt = at.Seq
	}
}

// newRevert returns the set that undoes another one, unless one of its configs has changed since.
func (c *Client) newRevert(m *made) *changeSet {
	c.writes++
	s := &changeSet{
		id:      c.world.Prefix + "." + strconv.Itoa(c.number) + "." + strconv.Itoa(c.writes),
		reverts: &m.position,
		graphql: c.rand.IntN(2) == 0,
	}
	for _, inverse := range m.inverse {
		w := *inverse
		w.Reverts = m.position.String()
		s.add(&w, w.Value)
	}
	return s
}

// sendSet sends a set, with an idempotency key also several times, and records its writes.
func (c *Client) sendSet(n *cluster.Node, s *changeSet) {
	call := c.world.Record.Now()
	var where record.Where
	for {
		s.tries++
		where = record.Where{Node: n.Number, Incarnation: n.Incarnation()}
		before := time.Now()
		c.try(n, where, s)
		c.count(n, before, s.writes[0])
		if outcome := s.writes[0].Outcome; s.tries > 1 && outcome != record.Done {
			s.fail(record.Unknown) // an earlier attempt may still be carried out
		}
		if s.writes[0].Outcome != record.Unknown || c.keyOf(s) == "" || s.tries == maxTries {
			break
		}
		n = c.node()
	}
	end := c.world.Record.Now()
	if n.Incarnation() != where.Incarnation {
		where.Incarnation = record.Unsure
	}
	for _, w := range s.writes {
		w.Where, w.Client, w.Tries = where, c.number, s.tries
		w.Call, w.Return = call, end
		c.learn(w)
	}
	done := s.writes[0].Outcome == record.Done
	if done && !c.world.Forks && c.keyOf(s) != "" && c.rand.IntN(8) == 0 {
		c.recall(c.node(), s) // a receipt that was not replicated may be lost
	}
	if done && s.reverts == nil && len(s.writes) <= mostChanges && c.rand.IntN(2) == 0 {
		c.undoable = inverseOf(s)
	}
	c.world.Record.Write(s.writes...)
}

// fail gives all writes of a set an outcome other than done.
func (s *changeSet) fail(outcome record.Outcome) {
	for _, w := range s.writes {
		w.Outcome, w.Refusal, w.Version, w.Position = outcome, 0, 0, record.Position{}
	}
}

// keyOf is the idempotency key of a set, "" for none, as [Client.key] is that of a single write.
func (c *Client) keyOf(s *changeSet) string {
	if !c.world.Features.Keys || strings.ContainsAny(s.id[len(s.id)-1:], "012") {
		return ""
	}
	return s.id
}

// try sends a set once, and copies the outcome into its writes. A rejection is recorded as the read
// of the state that it rests on, too.
func (c *Client) try(n *cluster.Node, where record.Where, s *changeSet) {
	call := c.world.Record.Now()
	reply, err := c.post(n, s, false)
	if err != nil {
		s.fail(record.Unknown)
		for _, w := range s.writes {
			fail(w, n, err, s.request())
		}
		return
	}
	a := c.read(n.Number, s, reply)
	a.describe(s, reply)
	if a.outcome != record.Refused {
		return
	}
	decisions := a.decisions(s)
	switch {
	case s.reverts != nil: // what a server makes of the history is not checked, but its position is
		decisions = []record.Decision{}
	case c.world.Forks && a.has(positionUnknown):
		c.world.Counts[n.Number].Refused.Add(1)
		c.last = record.Position{}
		forgetPosition(decisions)
	}
	r := &record.Read{Where: where, Client: c.number, Linearizable: true, Position: a.position, Decisions: decisions}
	if s.tries > 1 { // the set, which began before, may be carried out all the same
		r.Incarnation = record.Unsure
	}
	c.recordDecisions(n, r, call)
}

// forgetPosition makes of decisions on a set that named an unknown position those on the same set
// without it.
func forgetPosition(decisions []record.Decision) {
	for i := range decisions {
		d := &decisions[i]
		d.Change.SeenAt = 0
		if d.Other == positionUnknown {
			d.Other = ""
		}
	}
}

func (c *Client) recordDecisions(n *cluster.Node, r *record.Read, call time.Duration) {
	r.Call, r.Return = call, c.world.Record.Now()
	if n.Incarnation() != r.Incarnation {
		r.Incarnation = record.Unsure
	}
	c.world.Record.Read(r)
}

// rehearse asks for a dry run of a set, and has the set refer to what it has seen. It returns false
// when there was no answer: the set is not to be sent.
func (c *Client) rehearse(n *cluster.Node, s *changeSet) bool {
	where, call := record.Where{Node: n.Number, Incarnation: n.Incarnation()}, c.world.Record.Now()
	reply, err := c.post(n, s, true)
	if err != nil {
		return false
	}
	a := c.read(n.Number, s, reply)
	if a.outcome != record.Done && a.outcome != record.Refused {
		return false
	}
	decisions := a.decisions(s)
	c.recordDecisions(n, &record.Read{Where: where, Client: c.number, Position: a.position, Decisions: decisions}, call)
	if a.position.Seq == 0 {
		return true // nothing can be said of the beginning: see record.Write.SeenAt
	}
	for i, w := range s.writes {
		w.Foreseen = record.Forecast{Made: true, Rejected: a.outcome == record.Refused, Version: decisions[i].Version}
	}
	s.seeing(a.position)
	return true
}

// recall sends a set that is done again, with its key. The answer must be the first one.
func (c *Client) recall(n *cluster.Node, s *changeSet) {
	s.tries++
	reply, err := c.post(n, s, false)
	if err != nil {
		return
	}
	a := c.read(n.Number, s, reply)
	for i, w := range s.writes {
		again := record.Recall{Outcome: a.outcome, Status: fmt.Sprintf("node %d: %d %.300s", n.Number, reply.status, reply.body)}
		if a.outcome == record.Done && i < len(a.revisions) {
			again.Version, again.Position = a.revisions[i].Version, a.revisions[i].position
		}
		w.Recalls = append(w.Recalls, again)
	}
}

// inverseOf returns what undoes a set that was acknowledged: each config must be as the set left
// it.
func inverseOf(s *changeSet) *made {
	m := &made{position: s.writes[len(s.writes)-1].Position}
	for _, w := range s.writes {
		inverse := &record.Write{Kind: record.Delete, Name: w.Name, Expected: &w.Version}
		switch {
		case w.Kind == record.Delete:
			inverse.Kind, inverse.Last = record.Restore, true
		case w.Kind == record.Set && w.Version > 1:
			inverse.Kind, inverse.Value = record.Set, w.Before
		}
		m.inverse = append(m.inverse, inverse)
	}
	return m
}
