package graphqlws

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"configapi/internal/websockettest"
)

// Kinds of messages that are control frames.
const (
	closeFrame = "close"
	pingFrame  = "ping frame"
	pongFrame  = "pong frame"
)

// message is a message of the server, or a control frame.
type message struct {
	kind    string
	id      string          // of the messages of operations
	payload json.RawMessage // nil: none
	code    int             // of a close frame; 0: none
	reason  string          // of a close frame; the payload of the other control frames
}

func (m message) String() string {
	switch m.kind {
	case closeFrame:
		return fmt.Sprintf("close with %d %q", m.code, m.reason)
	case pingFrame, pongFrame:
		return fmt.Sprintf("%s %q", m.kind, m.reason)
	}
	return fmt.Sprintf("%s %q %.200s", m.kind, m.id, m.payload)
}

// receive waits for the next message, or control frame.
func receive(conn *websockettest.Conn) (message, error) {
	opcode, payload, err := conn.Receive()
	switch {
	case err == io.EOF:
		return message{}, fmt.Errorf("the connection has ended: %w", err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return message{}, fmt.Errorf("the connection has ended within a frame: %w", err)
	case err != nil:
		return message{}, err
	}
	return take(opcode, payload)
}

// take makes a message of what a server has sent.
func take(opcode byte, payload []byte) (message, error) {
	switch opcode {
	case opPing:
		return message{kind: pingFrame, reason: string(payload)}, nil
	case opPong:
		return message{kind: pongFrame, reason: string(payload)}, nil
	case opClose:
		return parseClose(payload)
	case opText:
		return parse(payload)
	default:
		return message{}, fmt.Errorf("got a frame with opcode %d; want text", opcode)
	}
}

// parse takes a message of the server apart, and sees to it that it has the form that the protocol gives to messages of its kind.
func parse(text []byte) (message, error) {
	var members map[string]json.RawMessage
	m := message{}
	err := json.Unmarshal(text, &members)
	switch {
	case !utf8.Valid(text):
		err = errors.New("want UTF-8")
	case err != nil:
		err = errors.New("want a JSON object")
	case json.Unmarshal(members["type"], &m.kind) != nil:
		err = errors.New("want a type that is a string")
	default:
		m.payload = members["payload"]
		_ = json.Unmarshal(members["id"], &m.id)
		err = m.check()
	}
	if err != nil {
		return message{}, fmt.Errorf("got %.200q: %w", text, err)
	}
	return m, nil
}

func (m message) check() error {
	switch m.kind {
	case "connection_ack", "ping", "pong":
		if m.payload != nil && !isObject(m.payload) && string(m.payload) != "null" {
			return errors.New("want a payload that is an object, null or not there")
		}
		return nil
	case "next":
		var result map[string]json.RawMessage
		if json.Unmarshal(m.payload, &result) != nil || result["data"] == nil && result["errors"] == nil {
			return errors.New("want a payload with data or errors")
		}
	case "error":
		var list []struct{ Message *string }
		if json.Unmarshal(m.payload, &list) != nil || len(list) == 0 || list[0].Message == nil {
			return errors.New("want a payload that is a list of errors, each with a message")
		}
	case "complete":
	default:
		return errors.New("want a type that servers may send")
	}
	if m.id == "" {
		return errors.New("want an id")
	}
	return nil
}

func isObject(value json.RawMessage) bool { return bytes.HasPrefix(value, []byte("{")) }

func parseClose(payload []byte) (message, error) {
	m := message{kind: closeFrame}
	if len(payload) == 0 {
		return m, nil
	}
	if len(payload) == 1 || !utf8.Valid(payload[2:]) {
		return message{}, fmt.Errorf("got a broken close frame: %q", payload)
	}
	m.code, m.reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
	return m, nil
}
