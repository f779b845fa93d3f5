package transport

// Counts are how many sockets are open, how many operations they have, and how many groups share the work of subscriptions.
func (t *Websocket) Counts() (sockets, streams, groups int) {
	for _, s := range t.snapshot() {
		sockets++
		s.mu.Lock()
		streams += len(s.streams)
		s.mu.Unlock()
	}
	t.groups.mu.Lock()
	defer t.groups.mu.Unlock()
	return sockets, streams, len(t.groups.byKey)
}
