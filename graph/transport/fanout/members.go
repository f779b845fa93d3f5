package fanout

// members are the subscribers of a group. Those on one connection stand next to each other, in
// whatever order they come, so that what a message gives them leaves with one write.
type members struct {
	count        int
	connections  []*sharers
	byConnection map[Connection]*sharers
}

// sharers are the subscribers of a group that share a connection.
type sharers struct {
	index       int // in members.connections
	subscribers []*Subscriber
}

// add adds a subscriber.
func (ms *members) add(s *Subscriber) {
	on := ms.byConnection[s.connection]
	if on == nil {
		on = &sharers{index: len(ms.connections)}
		ms.connections = append(ms.connections, on)
		if ms.byConnection == nil {
			ms.byConnection = make(map[Connection]*sharers)
		}
		ms.byConnection[s.connection] = on
	}
	s.index = len(on.subscribers)
	on.subscribers = append(on.subscribers, s)
	ms.count++
}

// remove removes a subscriber, which must be a member. The last one on its connection takes its
// place.
func (ms *members) remove(s *Subscriber) {
	on := ms.byConnection[s.connection]
	last := len(on.subscribers) - 1
	on.subscribers[s.index] = on.subscribers[last]
	on.subscribers[s.index].index = s.index
	on.subscribers[last] = nil
	on.subscribers = on.subscribers[:last]
	ms.count--
	if last == 0 {
		ms.removeConnection(s.connection, on)
	}
}

// removeConnection removes what has no subscribers any more.
func (ms *members) removeConnection(connection Connection, on *sharers) {
	delete(ms.byConnection, connection)
	last := len(ms.connections) - 1
	ms.connections[on.index] = ms.connections[last]
	ms.connections[on.index].index = on.index
	ms.connections[last] = nil
	ms.connections = ms.connections[:last]
}

// appendTo appends the members to a slice, connection by connection.
func (ms *members) appendTo(all []*Subscriber) []*Subscriber {
	for _, on := range ms.connections {
		all = append(all, on.subscribers...)
	}
	return all
}

// shareSize is how many subscribers one goroutine serves before it takes the next ones. Those on
// one connection are not divided.
const shareSize = 64

// sharesOf divides members into shares.
func sharesOf(members []*Subscriber) (shares [][]*Subscriber) {
	for len(members) > 0 {
		end := min(shareSize, len(members))
		for end < len(members) && members[end].connection == members[end-1].connection {
			end++
		}
		shares = append(shares, members[:end])
		members = members[end:]
	}
	return shares
}
