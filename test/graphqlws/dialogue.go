package graphqlws

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"configapi/internal/websockettest"
)

// This file has what a case sends and expects, message by message.

const (
	pingMessage = `{"type":"ping"}`
	pongMessage = `{"type":"pong"}`
)

// initMessage returns a connection_init that the target acknowledges.
func (t *trial) initMessage() string {
	if t.target.Init == nil {
		return `{"type":"connection_init"}`
	}
	return `{"type":"connection_init","payload":` + string(t.target.Init) + `}`
}

func (s *socket) sendMessage(message string) { s.send(text(message)) }

func (s *socket) init() {
	s.sendMessage(s.initMessage())
	s.want("connection_ack", "")
}

func (s *socket) subscribe(id, document string) {
	s.sendMessage(fmt.Sprintf(`{"id":%s,"type":"subscribe","payload":{"query":%s}}`, quote(id), quote(document)))
}

func (s *socket) complete(id string) {
	s.sendMessage(fmt.Sprintf(`{"id":%s,"type":"complete"}`, quote(id)))
}

func quote(text string) []byte {
	quoted, _ := json.Marshal(text) // cannot fail for a string
	return quoted
}

// next returns the next message. It answers pings of the server, messages and frames, and does not
// return them.
func (s *socket) next() message {
	for s.err == nil {
		m, err := s.read()
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

// want expects a message of this kind and operation as the next one.
func (s *socket) want(kind, id string) message {
	s.expect()
	m := s.next()
	if m.kind != kind || m.id != id {
		s.failGot(m, fmt.Sprintf("%s %q", kind, id))
	}
	return m
}

// await waits for a message of this kind and operation. Results of any operation may come before
// it.
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

// wantAnswer expects the complete answer to a query or a mutation.
func (s *socket) wantAnswer(id string) {
	s.want("next", id)
	s.want("complete", id)
}

// wantNothing checks that the server sends nothing, and that the socket still works.
func (s *socket) wantNothing() {
	s.sendMessage(pingMessage)
	s.want("pong", "")
}

// sync waits until the server has read everything that was sent. Results may arrive before that.
func (s *socket) sync() {
	s.sendMessage(pingMessage)
	s.await("pong", "")
}

// wantPing expects a ping of the server, a message or a frame, and answers it.
func (s *socket) wantPing() {
	s.expect()
	if s.err != nil {
		return
	}
	m, err := s.read()
	switch {
	case err != nil:
		s.fail("%w; want a ping", err)
	case m.kind != "ping" && m.kind != pingFrame:
		s.failGot(m, "a ping")
	default:
		s.answerPing(m)
	}
}

// wantClose expects a close frame with one of the codes, answers it, and checks that the connection
// ends. Results may come before it. An empty reason matches any.
func (s *socket) wantClose(reason string, codes ...int) {
	m := s.awaitClose(codes)
	if reason != "" && m.reason != reason {
		s.failGot(m, fmt.Sprintf("the reason %q", reason))
	}
	if s.err != nil {
		return
	}
	s.trySend(frame{First: final | opClose, Payload: "\x03\xe8"})
	s.wantEnd()
}

// wantClosed expects the server's answer to the client's close frame.
func (s *socket) wantClosed(codes ...int) {
	s.awaitClose(codes)
	s.wantEnd()
}

// wantFailed expects the close frame of a server that has failed the connection. The server reads
// nothing more, so the client closes the connection without an answer.
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

// wantEnd checks that the server ends the connection without another message.
func (s *socket) wantEnd() {
	s.expect()
	if s.err != nil {
		return
	}
	switch m, err := s.read(); {
	case err == nil:
		s.failGot(m, "the end of the connection")
	case err == errTimeout:
		s.fail("the connection is still there %v after it was closed", s.target.patience())
	}
}

// wantSince checks that something which happens after a limit did not happen early. It allows for a
// fast clock.
func (s *socket) wantSince(start time.Time, limit time.Duration) {
	if took := time.Since(start); took < limit-limit/10 {
		s.fail("it came after %v; want %v", took, limit)
	}
}
