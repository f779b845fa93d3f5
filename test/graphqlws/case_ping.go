package graphqlws

import (
	"encoding/json"
	"reflect"
	"time"
)

var pingCases = []Case{
	{Name: "ping/answered", Source: Protocol,
		Rule: "ping is answered with pong.",
		try:  func(t *trial) { t.open().wantNothing() }},
	{Name: "ping/before-init", Source: Protocol,
		Rule: "ping is answered at any time, also before connection_init.",
		try: func(t *trial) {
			s := t.dial(offer)
			s.wantNothing()
			s.init()
		}},
	{Name: "ping/payload", Source: Reference,
		Rule: "pong carries the payload of the ping.",
		try: func(t *trial) {
			s := t.open()
			for _, payload := range []string{`{}`, `{"sent":1764057600.5,"é":["\u00e9",null,{"a":"</b>"}]}`} {
				s.sendMessage(`{"type":"ping","payload":` + payload + `}`)
				s.wantPayload(payload)
			}
			s.sendMessage(`{"type":"ping","payload":null}`)
			s.want("pong", "")
		}},
	{Name: "ping/unasked-pong", Source: Protocol,
		Rule: "pong may come unasked, with a payload or without, and is not answered.",
		try: func(t *trial) {
			s := t.open()
			s.sendMessage(pongMessage)
			s.sendMessage(`{"type":"pong","payload":{"unasked":true}}`)
			s.sendMessage(`{"type":"pong","payload":null}`)
			s.wantNothing()
		}},
	{Name: "ping/server", Source: Hardening, Needs: []string{"PingInterval"},
		Rule: "The server pings by itself, again and again, so that both sides learn of a connection that is dead.",
		try: func(t *trial) {
			s := t.open()
			s.limit = t.target.PingInterval
			for range 3 {
				start := time.Now()
				s.wantPing()
				s.wantSince(start, t.target.PingInterval)
			}
		}},
	{Name: "ping/silent-client", Source: Hardening, Needs: []string{"SilenceTimeout"},
		Rule: "A client that sends nothing at all any more, and answers no ping, is dropped.",
		try: func(t *trial) {
			start := time.Now()
			s := t.open()
			s.limit = t.target.SilenceTimeout
			s.wantDropped()
			s.wantSince(start, t.target.SilenceTimeout)
		}},
}

// wantPayload waits for a pong with this payload.
func (s *socket) wantPayload(payload string) {
	m := s.want("pong", "")
	var got, want any
	_ = json.Unmarshal([]byte(payload), &want)
	if s.err == nil && (json.Unmarshal(m.payload, &got) != nil || !reflect.DeepEqual(got, want)) {
		s.fail("got %v; want pong with payload %s", m, payload)
	}
}

// wantDropped waits for the end of the connection without answering any ping.
func (s *socket) wantDropped() {
	s.expect()
	for s.err == nil {
		if _, err := s.read(); err == errTimeout {
			s.fail("the connection is still there %v after the client has fallen silent", s.limit+s.target.patience())
		} else if err != nil {
			return
		}
	}
}
