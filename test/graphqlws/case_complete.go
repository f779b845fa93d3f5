package graphqlws

var completeCases = []Case{
	{Name: "complete/stops", Source: Protocol, Needs: []string{"Subscription"},
		Rule: "After a client's complete nothing more is sent for that id, not even complete, but for what was under way.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Subscription)
			s.await("next", "1")
			s.complete("1")
			s.sync()
			s.wantOnly("2")
		}},
	{Name: "complete/others-go-on", Source: Protocol, Needs: []string{"Subscription"},
		Rule: "A client's complete stops the operation with its id alone.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Subscription)
			s.subscribe("2", t.target.Subscription)
			s.await("next", "2")
			s.complete("1")
			s.sync()
			for range 3 {
				s.want("next", "2")
			}
		}},
	{Name: "complete/id-free", Source: Protocol, Needs: []string{"Subscription"},
		Rule: "An id is free again at once when the client has completed its operation.",
		try: func(t *trial) {
			s := t.open()
			for range 20 {
				s.subscribe("1", t.target.Subscription)
				s.complete("1")
			}
			s.subscribe("1", t.target.Subscription)
			s.sync()
			s.want("next", "1")
		}},
	{Name: "complete/finished-id", Source: Protocol, Needs: []string{"Query"},
		Rule: "complete for an operation that has ended already is ignored: the two may have crossed.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Query)
			s.wantAnswer("1")
			s.complete("1")
			s.wantNothing()
		}},
	{Name: "complete/twice", Source: Protocol, Needs: []string{"Subscription"},
		Rule: "A second complete for the same operation is ignored.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Subscription)
			s.await("next", "1")
			s.complete("1")
			s.complete("1")
			s.sync()
			s.wantOnly("2")
		}},
	{Name: "complete/unknown-id", Source: Protocol,
		Rule: "complete for an id that was never used is ignored.",
		try: func(t *trial) {
			s := t.open()
			s.complete("never used")
			s.wantNothing()
		}},
	{Name: "complete/running-query", Source: Protocol, Needs: []string{"SlowQuery", "Subscription"},
		Rule: "The result of a query that the client completed before it was there is not sent, and neither is complete.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.SlowQuery)
			s.complete("1")
			s.wantNothing()
			s.wantOnly("2")
		}},
}

// wantOnly subscribes, and fails if a message of another operation arrives while this one has
// messages.
func (s *socket) wantOnly(id string) {
	s.subscribe(id, s.target.Subscription)
	for range 3 {
		s.want("next", id)
	}
}
