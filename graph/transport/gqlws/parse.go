package gqlws

import (
	"bytes"
	"context"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/websocket"

	"configapi/graph/transport/bounds"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
	"configapi/internal/strictjson"
)

const (
	noMemoryForMessage = "no memory for a message of this size at the moment; send it again later"

	// smallMessage is up to how many bytes a message is read without a reservation.
	smallMessage = bounds.MaxSubscriptionBytes
	// requestCopies is about how often a request is in memory while it is worked on: as it came,
	// and decoded.
	requestCopies = 2

	// maxMembers is how many members a message may have in which something is wrong. The protocol
	// has three.
	maxMembers = 64
)

// readMessage reads a message of the peer to its end. A large one reserves memory among all bodies
// that are received. Of two messages that come slowly the slower one is cut when others wait; one
// that has come whole is not. The reservation is nil for a small message, and the caller's to
// release. The error is the reader's own, or a [*CloseError].
func readMessage(ctx context.Context, into *bytes.Buffer, from io.Reader, bodies *budget.Budget, cut func()) (*budget.Shared, error) {
	if n, err := io.CopyN(into, from, smallMessage+1); n <= smallMessage {
		if err == io.EOF {
			err = nil
		}
		return nil, err
	}
	coming := bodies.Reservation()
	defer coming.Release()
	for first := true; ; first = false {
		step := int64(into.Len())
		if err := coming.Grow(ctx, requestCopies*step); err != nil {
			return nil, &CloseError{websocket.CloseTryAgainLater, noMemoryForMessage}
		}
		if first {
			coming.Sending(cut)
		}
		n, err := io.CopyN(into, from, step)
		coming.Sent(n)
		if err == io.EOF {
			whole := bodies.Reservation()
			whole.Force(coming.Held())
			return budget.Share(whole), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// parseMessage reads a message strictly. When all that is wrong with it is within the payload of a
// subscribe, the client gets an error on that id, and the other operations go on. Nobody reads the
// payload of a pong or a complete, and that of a ping is repeated as it is. Anything else breaks
// the protocol.
func parseMessage(data []byte) (clientMessage, *CloseError) {
	var m clientMessage
	cause := strictjson.Decode(data, &m, gqlmsg.ReadOptions)
	if cause == nil {
		return m, nil
	}
	m, ok := parseLoosely(data)
	switch {
	case ok && m.Type == "subscribe":
		m.unreadable = cause
		return m, nil
	case ok && (m.Type == "ping" || m.Type == "pong" || m.Type == "complete"):
		return m, nil
	}
	return m, badRequest("Invalid message: %v", cause)
}

// parseLoosely reads a message whose payload may nest without end, and hold duplicate members or
// halves of surrogate pairs. It returns false when something else is wrong with the message, too.
// The payload is left out when it nests deeper than the decoder reads.
func parseLoosely(data []byte) (m clientMessage, ok bool) {
	if !utf8.Valid(data) {
		return m, false
	}
	shallow := withoutDepths(data)
	if m, ok = parseMembers(shallow); len(shallow) < len(data) {
		m.Payload = nil
	}
	return m, ok
}

func parseMembers(data []byte) (m clientMessage, ok bool) {
	dec := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if open, err := dec.ReadToken(); err != nil || open.Kind() != '{' {
		return m, false
	}
	seen := make(map[string]bool)
	for dec.PeekKind() == '"' {
		name, ok := readStrict(dec)
		if !ok || seen[name] || len(seen) == maxMembers {
			return m, false
		}
		seen[name] = true
		switch name {
		case "type":
			m.Type, ok = readStrict(dec)
		case "id":
			id, isText := readStrict(dec)
			m.ID, ok = &id, isText
		case "payload":
			payload, err := dec.ReadValue()
			m.Payload, ok = payload.Clone(), err == nil
		default:
			ok = dec.SkipValue() == nil
		}
		if !ok {
			return m, false
		}
	}
	if end, err := dec.ReadToken(); err != nil || end.Kind() != '}' {
		return m, false
	}
	return m, len(bytes.Trim(data[dec.InputOffset():], " \t\r\n")) == 0
}

// readStrict reads a string without halves of surrogate pairs.
func readStrict(dec *jsontext.Decoder) (string, bool) {
	raw, err := dec.ReadValue()
	if err != nil || raw.Kind() != '"' {
		return "", false
	}
	text, err := jsontext.AppendUnquote(nil, raw) // an error for half a surrogate pair
	return string(text), err == nil
}

// withoutDepths returns a JSON text without what nests deeper than any payload that can be read.
// The result is the text itself when nothing does.
func withoutDepths(data []byte) []byte {
	const deepest = strictjson.MaxDepth + 8
	var shallow []byte // all of data[:kept] that stays; nil: all of it
	kept, depth := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			if depth++; depth == deepest {
				shallow = append(shallow, data[kept:i+1]...)
				kept = len(data)
			}
		case ']', '}':
			if depth--; depth == deepest-1 {
				kept = i
			}
		}
	}
	if shallow == nil {
		return data
	}
	return append(shallow, data[kept:]...)
}
