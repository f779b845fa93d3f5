package graphqlws

import "net/http"

var handshakeCases = []Case{
	{Name: "handshake/offer-alone", Source: Protocol,
		Rule: "A client that offers graphql-transport-ws gets it.",
		try:  func(t *trial) { t.wantChosen(offer) }},
	{Name: "handshake/offer-among-others", Source: Protocol,
		Rule: "A client that offers graphql-transport-ws among other sub-protocols gets it, wherever it stands.",
		try: func(t *trial) {
			t.wantChosen("Sec-WebSocket-Protocol: graphql-ws, graphql-transport-ws")
			t.wantChosen("Sec-WebSocket-Protocol: graphql-transport-ws,graphql-ws")
		}},
	{Name: "handshake/offer-in-second-line", Source: Websocket,
		Rule: "Sub-protocols may be offered in several lines of the header.",
		try:  func(t *trial) { t.wantChosen("Sec-WebSocket-Protocol: graphql-ws", offer) }},
	{Name: "handshake/other-offers", Source: Reference,
		Rule: "A client that offers only other sub-protocols is closed with 4406.",
		try: func(t *trial) {
			t.dial("Sec-WebSocket-Protocol: graphql-ws, Graphql-Transport-WS").wantClose("", 4406)
		}},
	{Name: "handshake/no-offer", Source: Reference,
		Rule: "A client that offers no sub-protocol is closed with 4406.",
		try:  func(t *trial) { t.dial().wantClose("", 4406) }},
	{Name: "handshake/no-compression", Source: Hardening, Needs: []string{"NoCompression"},
		Rule: "Compression is not taken up when a client offers it: it costs memory with each socket, and leaks secrets by length.",
		try: func(t *trial) {
			s := t.dial(offer, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
			if t.err == nil && s.conn.Response.Header.Get("Sec-WebSocket-Extensions") != "" {
				t.fail("got Sec-WebSocket-Extensions %q; want none", s.conn.Response.Header.Get("Sec-WebSocket-Extensions"))
			}
		}},
	{Name: "handshake/foreign-origin", Source: Hardening, Needs: []string{"ForeignOrigin"},
		Rule: "Pages of a foreign origin get 403 instead of a socket: browsers would let them have one.",
		try: func(t *trial) {
			s := t.handshake(offer, "Origin: "+t.target.ForeignOrigin)
			if t.err == nil && s.conn.Response.StatusCode != http.StatusForbidden {
				t.fail("got %s; want 403", s.conn.Response.Status)
			}
		}},
}

// wantChosen opens a socket with these offers, and sees to it that the protocol is the one that the server chooses, and speaks.
func (t *trial) wantChosen(offers ...string) {
	s := t.dial(offers...)
	if t.err != nil {
		return
	}
	if got := s.conn.Response.Header.Get("Sec-WebSocket-Protocol"); got != subprotocol {
		t.fail("got Sec-WebSocket-Protocol %q for %q; want %q", got, offers, subprotocol)
	}
	s.init()
}
