package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"configapi/internal/websockettest"
)

// What a subscriber sends, besides answers to pings.
const (
	initMessage      = `{"type":"connection_init"}`
	subscribeMessage = `{"id":"1","type":"subscribe","payload":{"query":"` + changesDocument + `"}}`
	pongMessage      = `{"type":"pong"}`
)

// upgradeRequest asks for a websocket. The key is any 16 bytes; that the server speaks websocket is seen in what follows.
func upgradeRequest(host string) (string, error) {
	header := http.Header{"Sec-Websocket-Protocol": {websockettest.Subprotocol}}
	return websockettest.Request("ws://"+host+"/graphql", "YmVuY2gtc3Vic2NyaWJlcg==", header)
}

// subscriberState is how far a subscriber has come.
type subscriberState int

const (
	upgrading    subscriberState = iota // the request for a websocket is sent
	initialising                        // connection_init is sent
	subscribing                         // subscribe is sent
	live                                // the first message has come: it says where the stream begins
)

// subscriber is one client of the graphql-transport-ws protocol, without its connection: bytes that came go in, bytes to
// send come out. It checks that it gets every change once and in order.
type subscriber struct {
	tally    *tally
	state    subscriberState
	answer   []byte // to the upgrade, as far as it has come
	frames   websockettest.Parser
	revision int64 // the last that came
	out      []byte
}

// receive takes bytes that came at an instant and returns bytes to send, valid until the next call.
func (s *subscriber) receive(data []byte, at time.Time) (send []byte, err error) {
	s.out = s.out[:0]
	if s.state == upgrading {
		if data, err = s.upgraded(data); err != nil || s.state == upgrading {
			return nil, err
		}
	}
	err = s.frames.Take(data, func(opcode byte, payload []byte) error { return s.message(opcode, payload, at) })
	return s.out, err
}

// upgraded reads the answer to the upgrade and returns what stands behind it.
func (s *subscriber) upgraded(data []byte) (rest []byte, err error) {
	s.answer = append(s.answer, data...)
	head, rest, complete := bytes.Cut(s.answer, []byte("\r\n\r\n"))
	if !complete {
		return nil, nil
	}
	if !bytes.HasPrefix(head, []byte("HTTP/1.1 101 ")) {
		return nil, fmt.Errorf("no websocket: %.200q", head)
	}
	s.answer, s.state = nil, initialising
	s.send(websockettest.Text, initMessage)
	return rest, nil
}

// message takes one message. While changes come, nothing is allocated.
func (s *subscriber) message(opcode byte, payload []byte, at time.Time) error {
	switch {
	case opcode == websockettest.Text && isBatch(payload):
		return s.batch(payload, at)
	case opcode == websockettest.Text:
		return s.control(payload)
	case opcode == websockettest.Ping:
		s.send(websockettest.Pong, string(payload))
		return nil
	default:
		return fmt.Errorf("frame with opcode %d: %.200q", opcode, payload)
	}
}

// batch takes a message with changes, or one that only says where the stream is.
func (s *subscriber) batch(message []byte, at time.Time) error {
	first := s.state == subscribing
	end, err := scanBatch(message, func(change int, position int64) error {
		if first || position != s.revision+1 {
			return fmt.Errorf("position %d came after %d", position, s.revision)
		}
		s.revision = position
		return s.tally.deliver(change, position, at)
	})
	switch {
	case err != nil:
		return err
	case first:
		s.state, s.revision = live, end
	case s.state != live:
		return errors.New("a change before anything was subscribed to")
	case end != s.revision:
		return fmt.Errorf("the stream is at %d, but the last change was %d", end, s.revision)
	}
	return nil
}

// control takes any other message of the protocol.
func (s *subscriber) control(message []byte) error {
	var m struct{ Type string }
	if err := json.Unmarshal(message, &m); err != nil {
		return fmt.Errorf("%w: %.200q", err, message)
	}
	switch {
	case m.Type == "connection_ack" && s.state == initialising:
		s.state = subscribing
		s.send(websockettest.Text, subscribeMessage)
	case m.Type == "ping":
		s.send(websockettest.Text, pongMessage)
	case m.Type != "pong":
		return fmt.Errorf("unexpected message: %s", strings.ToValidUTF8(string(message[:min(len(message), 200)]), "?"))
	}
	return nil
}

func (s *subscriber) send(opcode byte, payload string) {
	s.out = websockettest.Frame{First: websockettest.Final | opcode, Payload: payload}.Append(s.out)
}
