package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"configapi/internal/websockettest"
)

// The messages of a subscriber, besides pongs.
const (
	initMessage = `{"type":"connection_init"}`
	pongMessage = `{"type":"pong"}`
)

// idMark begins each message of configapi's streams, before the stream's id.
var idMark = []byte(`{"id":"`)

// subscribeMessage asks for a stream of all changes. The id of a stream is its number.
func subscribeMessage(stream int) string {
	return `{"id":"` + strconv.Itoa(stream) + `","type":"subscribe","payload":{"query":"` + changesDocument + `"}}`
}

// upgradeRequest returns the request for a websocket, with a token unless its secret is "". The key
// may be any 16 bytes, since the answer's hash is not checked.
func upgradeRequest(host, secret string) (string, error) {
	header := http.Header{"Sec-Websocket-Protocol": {websockettest.Subprotocol}}
	if secret != "" {
		header.Set("Authorization", "Bearer "+secret)
	}
	return websockettest.Request("ws://"+host+"/graphql", "YmVuY2gtc3Vic2NyaWJlcg==", header)
}

// subscriberState is the progress of a subscriber.
type subscriberState int

const (
	upgrading    subscriberState = iota // the upgrade is sent
	initialising                        // connection_init is sent
	subscribing                         // subscribe is sent for each stream
	live                                // the first message of each stream has arrived
)

// subscriber is a client of the graphql-transport-ws protocol without a connection: it takes
// received bytes and returns bytes to send. It has one stream or more, and checks that each gets
// every change once and in order.
type subscriber struct {
	tally   *tally
	state   subscriberState
	answer  []byte // to the upgrade, as far as received
	frames  websockettest.Parser
	streams []stream
	begun   int // streams whose first message has arrived
	out     []byte
}

// stream is the progress of one stream.
type stream struct {
	begun    bool
	revision int64 // of the last change
}

// receive takes bytes received at an instant, and returns bytes to send, valid until the next call.
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

// upgraded reads the answer to the upgrade, and returns the bytes after it.
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

// message handles one message. It does not allocate for changes.
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

// batch handles a message with changes, or with a position only.
func (s *subscriber) batch(message []byte, at time.Time) error {
	of, err := s.streamOf(message)
	if err != nil {
		return err
	}
	first := !of.begun
	end, err := scanBatch(message, func(change int, position int64) error {
		if first || position != of.revision+1 {
			return fmt.Errorf("position %d came after %d", position, of.revision)
		}
		of.revision = position
		return s.tally.deliver(change, position, at)
	})
	switch {
	case err != nil:
		return err
	case first:
		of.begun, of.revision = true, end
		if s.begun++; s.begun == len(s.streams) {
			s.state = live
		}
	case end != of.revision:
		return fmt.Errorf("the stream is at %d, but the last change was %d", end, of.revision)
	}
	return nil
}

// streamOf returns the stream that a message is for. When there is only one, its id is not checked:
// gqlgen's transport writes it at the end.
func (s *subscriber) streamOf(message []byte) (*stream, error) {
	if s.state < subscribing {
		return nil, errors.New("a change before anything was subscribed to")
	}
	if len(s.streams) == 1 {
		return &s.streams[0], nil
	}
	after, found := bytes.CutPrefix(message, idMark)
	id, _ := leadingNumber(after)
	if !found || id < 1 || id > int64(len(s.streams)) {
		return nil, fmt.Errorf("a message of no stream: %.200q", message)
	}
	return &s.streams[id-1], nil
}

// control handles any other message of the protocol.
func (s *subscriber) control(message []byte) error {
	var m struct{ Type string }
	if err := json.Unmarshal(message, &m); err != nil {
		return fmt.Errorf("%w: %.200q", err, message)
	}
	switch {
	case m.Type == "connection_ack" && s.state == initialising:
		s.state = subscribing
		for i := range s.streams {
			s.send(websockettest.Text, subscribeMessage(i+1))
		}
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
