package graphqlws

import "time"

var initCases = []Case{
	{Name: "init/acknowledged", Source: Protocol,
		Rule: "connection_init is answered with connection_ack; its payload is an object, null or not there.",
		try: func(t *trial) {
			t.open()
			if t.target.Init == nil {
				for _, payload := range []string{"null", "{}", `{"any":["thing"]}`} {
					s := t.dial(offer)
					s.sendMessage(`{"type":"connection_init","payload":` + payload + `}`)
					s.want("connection_ack", "")
				}
			}
		}},
	{Name: "init/late", Source: Protocol, Needs: []string{"InitTimeout"},
		Rule: "A socket without connection_init in time is closed with 4408, Connection initialisation timeout.",
		try:  func(t *trial) { t.wantInitTimeout() }},
	{Name: "init/late-despite-ping", Source: Protocol, Needs: []string{"InitTimeout"},
		Rule: "Other messages do not stand in for connection_init: the socket is closed with 4408 all the same.",
		try:  func(t *trial) { t.wantInitTimeout(pingMessage) }},
	{Name: "init/twice", Source: Protocol,
		Rule: "A second connection_init closes the socket with 4429, Too many initialisation requests.",
		try: func(t *trial) {
			s := t.open()
			s.sendMessage(t.initMessage())
			s.wantClose("Too many initialisation requests", 4429)
		}},
	{Name: "init/refused", Source: Protocol, Needs: []string{"RefusedInit"},
		Rule: "A connection_init that the server does not accept closes the socket with 4403.",
		try: func(t *trial) {
			s := t.dial(offer)
			s.sendMessage(`{"type":"connection_init","payload":` + string(t.target.RefusedInit) + `}`)
			s.wantClose("", 4403)
		}},
	{Name: "init/subscribe-before", Source: Protocol, Needs: []string{"Query"},
		Rule: "subscribe before the acknowledgement closes the socket with 4401, Unauthorized.",
		try: func(t *trial) {
			s := t.dial(offer)
			s.subscribe("1", t.target.Query)
			s.wantClose("Unauthorized", 4401)
		}},
}

// wantInitTimeout sends pings instead of connection_init.
func (t *trial) wantInitTimeout(pings ...string) {
	start := time.Now()
	s := t.dial(offer)
	for _, ping := range pings {
		s.sendMessage(ping)
		s.want("pong", "")
	}
	s.limit = t.target.InitTimeout
	s.wantClose("Connection initialisation timeout", 4408)
	s.wantSince(start, t.target.InitTimeout)
}
