package graphqlws

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"configapi/internal/websockettest"
)

// What a case says and wants to hear, message by message.

const (
	pingMessage = `{"type":"ping"}`
	pongMessage = `{"type":"pong"}`
)

// initMessage is a connection_init that the target acknowledges.
func (t *trial) initMessage() string {
	if t.target.Init == nil {
		return `{"type":"connection_init"}`
	}
	return `{"type":"connection_init","payload":` + string(t.target.Init) + `}`
}

func (s *socket) say(message string) { s.send(text(message)) }

func (s *socket) init() {
	s.say(s.initMessage())
	s.want("connection_ack", "")
}

func (s *socket) subscribe(id, document string) {
	s.say(fmt.Sprintf(`{"id":%s,"type":"subscribe","payload":{"query":%s}}`, quote(id), quote(document)))
}

func (s *socket) complete(id string) {
	s.say(fmt.Sprintf(`{"id":%s,"type":"complete"}`, quote(id)))
}

func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // never fails for a string
	return quoted
}

// next takes the next message. It answers the server's pings, of both kinds, and keeps them to itself.
func (s *socket) next() message {
	for s.err == nil {
		m, err := s.hear()
		switch {
		case err != nil:
			s.fail("%w; sent before: %.200q", err, s.last)
		case m.kind != "ping" && m.kind != pingFrame:
			return m
		default:
			s.answerPing(m)
		}
	}
	return message{}
}

func (s *socket) answerPing(ping message) {
	if ping.kind == pingFrame {
		s.write(websockettest.Encode(frame{First: final | opPong, Payload: ping.reason}))
		return
	}
	s.write(websockettest.Encode(text(pongMessage)))
}

// want takes the next message, which must be of this kind and for this operation.
func (s *socket) want(kind, id string) message {
	s.expect()
	m := s.next()
	if m.kind != kind || m.id != id {
		s.failGot(m, fmt.Sprintf("%s %q", kind, id))
	}
	return m
}

// await takes messages up to the one of this kind and for this operation. Results of this operation and of others may come before it.
func (s *socket) await(kind, id string) {
	s.expect()
	for s.err == nil {
		m := s.next()
		if m.kind == kind && m.id == id {
			return
		}
		if m.kind != "next" {
			s.failGot(m, fmt.Sprintf("%s %q", kind, id))
		}
	}
}

func (s *socket) failGot(got message, want string) {
	s.fail("got %v; want %s; sent before: %.200q", got, want, s.last)
}

// wantAnswer takes the whole answer to a query or a mutation.
func (s *socket) wantAnswer(id string) {
	s.want("next", id)
	s.want("complete", id)
}

// wantNothing sees to it that the server has nothing to say, and that the socket still works.
func (s *socket) wantNothing() {
	s.say(pingMessage)
	s.want("pong", "")
}

// settle waits until the server has read all that was sent. Results that were under way may arrive before that.
func (s *socket) settle() {
	s.say(pingMessage)
	s.await("pong", "")
}

// wantPing takes a ping of the server, as a message or as a frame, and answers it.
func (s *socket) wantPing() {
	s.expect()
	if s.err != nil {
		return
	}
	m, err := s.hear()
	switch {
	case err != nil:
		s.fail("%w; want a ping", err)
	case m.kind != "ping" && m.kind != pingFrame:
		s.failGot(m, "a ping")
	default:
		s.answerPing(m)
	}
}

// wantClose takes the server's close frame, which must have one of the codes, answers it, and sees to it that the connection ends.
// Results of operations may come before it. An empty reason stands for any.
func (s *socket) wantClose(reason string, codes ...int) {
	m := s.awaitClose(codes)
	if reason != "" && m.reason != reason {
		s.failGot(m, fmt.Sprintf("the reason %q", reason))
	}
	if s.err != nil {
		return
	}
	s.sendAnyway(frame{First: final | opClose, Payload: "\x03\xe8"})
	s.wantEnd()
}

// wantClosed takes the server's answer to the client's close frame.
func (s *socket) wantClosed(codes ...int) {
	s.awaitClose(codes)
	s.wantEnd()
}

// wantFailed takes the close frame of a server that understands nothing more. It will not read an answer, so the client hangs up.
func (s *socket) wantFailed(codes ...int) { s.awaitClose(codes) }

func (s *socket) awaitClose(codes []int) message {
	s.expect()
	for s.err == nil {
		m := s.next()
		if m.kind == closeFrame && slices.Contains(codes, m.code) {
			return m
		}
		if m.kind != "next" {
			s.failGot(m, fmt.Sprintf("close with one of %d", codes))
		}
	}
	return message{}
}

// wantEnd sees to it that the server ends the connection without another word.
func (s *socket) wantEnd() {
	s.expect()
	if s.err != nil {
		return
	}
	switch m, err := s.hear(); {
	case err == nil:
		s.failGot(m, "the end of the connection")
	case err == errTimeout:
		s.fail("the connection is still there %v after it was closed", s.target.patience())
	}
}

// wantSince sees to it that what a limit of time brings about did not come early. A server's clock may be a little fast.
func (s *socket) wantSince(start time.Time, limit time.Duration) {
	if took := time.Since(start); took < limit-limit/10 {
		s.fail("it came after %v; want %v", took, limit)
	}
}
