package graphqlws

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// brokenFrames fail a websocket by RFC 6455.
var brokenFrames = []struct {
	name, rule string
	codes      []int
	frames     []frame
}{
	{"unmasked", "A frame without a mask closes the socket with 1002.", []int{1002},
		[]frame{{First: final | opText, Payload: pingMessage, Bare: true}}},
	{"reserved-bit", "A frame that is compressed, which was not agreed on, closes the socket with 1002.", []int{1002},
		[]frame{{First: final | reserved | opText, Payload: pingMessage}}},
	{"reserved-opcode", "A frame with an opcode that nobody has defined closes the socket with 1002.", []int{1002},
		[]frame{{First: final | 0x3, Payload: pingMessage}}},
	{"continuation-of-nothing", "A continuation without a beginning closes the socket with 1002.", []int{1002},
		[]frame{{First: final | opContinuation, Payload: pingMessage}}},
	{"text-within-text", "A message within the fragments of another closes the socket with 1002.", []int{1002},
		[]frame{{First: opText, Payload: "{"}, text(pingMessage)}},
	{"long-ping", "A control frame of more than 125 bytes closes the socket with 1002.", []int{1002},
		[]frame{{First: final | opPing, Payload: strings.Repeat("x", 126)}}},
	{"fragmented-ping", "A control frame in fragments closes the socket with 1002.", []int{1002},
		[]frame{{First: opPing, Payload: "x"}}},
	{"bad-close-code", "A close frame with a code that is not for the wire closes the socket with 1002.", []int{1002},
		[]frame{{First: final | opClose, Payload: "\x03\xed"}}},
	{"half-close-code", "A close frame with half a code closes the socket, with 1002 or without a code.", []int{1002, 0},
		[]frame{{First: final | opClose, Payload: "\x03"}}},
	{"bad-close-reason", "A close frame whose reason is not UTF-8 closes the socket with 1007 or 1002.", []int{1007, 1002},
		[]frame{{First: final | opClose, Payload: "\x03\xe8\xff"}}},
	{"binary", "A binary message, which the protocol does not have, closes the socket with 1003.", []int{1003},
		[]frame{{First: final | opBinary, Payload: pingMessage}}},
}

var frameCases = []Case{
	{Name: "frame/ping", Source: Websocket,
		Rule: "A ping frame is answered with a pong frame of the same payload.",
		try: func(t *trial) {
			s := t.dial(offer)
			s.wantPongFrame()
			s.init()
			s.wantPongFrame()
		}},
	{Name: "frame/pong", Source: Websocket,
		Rule: "A pong frame may come unasked, and is not answered.",
		try: func(t *trial) {
			s := t.open()
			s.send(frame{First: final | opPong, Payload: "unasked"})
			s.wantNothing()
		}},
	{Name: "frame/fragments", Source: Websocket,
		Rule: "A message may come in fragments, cut anywhere, with control frames between them.",
		try: func(t *trial) {
			s := t.open()
			message := `{"type":"ping","payload":{"é":"é"}}`
			cut := strings.Index(message, "é") + 1 // within the character
			s.send(frame{First: opText}, frame{First: opContinuation, Payload: message[:cut]})
			s.wantPongFrame()
			s.send(frame{First: opContinuation, Payload: message[cut:]}, frame{First: final | opContinuation})
			s.wantPayload(`{"é":"é"}`)
		}},
	{Name: "frame/lengths", Source: Websocket,
		Rule: "Frames of all lengths are understood, and the server writes lengths in their shortest form.",
		try: func(t *trial) {
			s := t.open()
			for _, length := range []int{124, 125, 126, 127, 1<<16 - 1, 1 << 16} {
				if length > max(t.target.MaxMessageBytes, 127) {
					break
				}
				const around = `{"type":"ping","payload":{"a":""}}`
				payload := fmt.Sprintf(`{"a":"%s"}`, strings.Repeat("x", length-len(around)))
				s.say(`{"type":"ping","payload":` + payload + `}`)
				s.wantPayload(payload)
			}
		}},
	{Name: "frame/close", Source: Websocket,
		Rule: "A client's close frame is answered with one of the same code, and the connection ends.",
		try: func(t *trial) {
			for _, code := range []int{1000, 1001, 4000, 4999} {
				t.wantCloseAnswered(code)
			}
		}},
	{Name: "frame/close-without-code", Source: Websocket,
		Rule: "A client's close frame without a code is answered with one, and the connection ends.",
		try:  func(t *trial) { t.wantCloseAnswered(0, 1000) }},
	{Name: "frame/close-while-streaming", Source: Websocket, Needs: []string{"Subscription"},
		Rule: "A client may close while it has subscriptions: they end with the socket.",
		try: func(t *trial) {
			s := t.open()
			s.subscribe("1", t.target.Subscription)
			s.await("next", "1")
			s.send(frame{First: final | opClose, Payload: "\x03\xe8"})
			s.wantClosed(1000)
		}},
}

func brokenFrameCases() []Case {
	var cases []Case
	for _, broken := range brokenFrames {
		cases = append(cases, Case{
			Name: "frame/" + broken.name, Source: Websocket, Rule: broken.rule,
			try: func(t *trial) {
				s := t.open()
				s.sendAnyway(broken.frames...)
				s.wantFailed(broken.codes...)
			},
		})
	}
	return cases
}

func (s *socket) wantPongFrame() {
	s.send(frame{First: final | opPing, Payload: "are you there?"})
	if m := s.want(pongFrame, ""); m.reason != "are you there?" {
		s.failGot(m, "the payload of the ping")
	}
}

// wantCloseAnswered closes with a code, 0 standing for none. The answer has the same one, or one of the others.
func (t *trial) wantCloseAnswered(code int, others ...int) {
	s := t.open()
	closing := frame{First: final | opClose}
	if code != 0 {
		closing.Payload = string(binary.BigEndian.AppendUint16(nil, uint16(code)))
	}
	s.send(closing)
	s.wantClosed(append(others, code)...)
}
