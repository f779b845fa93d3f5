package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"configapi/internal/strictjson"
)

// message is one message of the client.
type message struct {
	Type    string         `json:"type"`
	ID      *string        `json:"id"`
	Payload jsontext.Value `json:"payload"`

	room *lease // of the message; nil: it is small
}

const (
	ackMessage  = `{"type":"connection_ack"}`
	pingMessage = `{"type":"ping"}`
	pongMessage = `{"type":"pong"}`

	maxStreamID = 128
)

var messageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// recycleMessage keeps a buffer for later messages, unless it is one that few messages need.
func recycleMessage(buffer *bytes.Buffer) {
	if buffer.Cap() > maxRecycled {
		return
	}
	buffer.Reset()
	messageBuffers.Put(buffer)
}

// receive does what the client's message says. Its errors end the socket.
func (s *socket) receive(from io.Reader) *CloseError {
	buffer := messageBuffers.Get().(*bytes.Buffer)
	defer recycleMessage(buffer)
	room, err := s.readMessage(buffer, from)
	defer room.release()
	if err != nil {
		refused, _ := errors.AsType[*CloseError](err)
		return refused // Any other error comes again with the next read, which says why.
	}
	m := message{room: room}
	if err := strictjson.Decode(buffer.Bytes(), &m, envelopeOptions); err != nil {
		return s.receiveBroken(buffer.Bytes(), err)
	}
	switch m.Type {
	case "connection_init":
		return s.receiveInit(m)
	case "ping":
		return s.receivePing(m)
	case "pong":
		return m.requireObject()
	case "subscribe":
		return s.receiveSubscribe(m)
	case "complete":
		return s.receiveComplete(m)
	case "":
		return badRequest("Invalid message: it has no type")
	default:
		return badRequest("Invalid message: unknown type %.40q", m.Type)
	}
}

func (s *socket) receiveInit(m message) *CloseError {
	if s.initialised {
		return &CloseError{CloseTooManyInits, "Too many initialisation requests"}
	}
	s.initialised = true
	payload, refused := m.object()
	if refused != nil {
		return refused
	}
	operations, refused := s.initialise(payload)
	if refused != nil {
		return refused
	}
	if s.acknowledge(operations) {
		s.reply(textFrame(nil, ackMessage, nil, ""))
		s.closeAtEndOf(operations)
	}
	return nil
}

// closeAtEndOf closes the socket when the rights that Init gave to its operations end before it does.
func (s *socket) closeAtEndOf(operations context.Context) {
	if operations == s.ctx {
		return
	}
	context.AfterFunc(operations, func() {
		refused := asCloseError(context.Cause(operations))
		s.close(refused.Code, refused.Reason)
	})
}

func (s *socket) initialise(payload map[string]any) (context.Context, *CloseError) {
	if s.transport.options.Init == nil {
		return s.ctx, nil
	}
	operations, err := s.transport.options.Init(s.ctx, payload)
	if err == nil {
		return operations, nil
	}
	return nil, asCloseError(err)
}

// asCloseError says nothing of why Init refuses, unless Init wants it said.
func asCloseError(err error) *CloseError {
	if refused, ok := errors.AsType[*CloseError](err); ok {
		return refused
	}
	return &CloseError{CloseForbidden, "Forbidden"}
}

func (s *socket) receivePing(m message) *CloseError {
	if refused := m.requireObject(); refused != nil {
		return refused
	}
	if m.Payload == nil {
		s.reply(textFrame(nil, pongMessage, nil, ""))
		return nil
	}
	s.reply(textFrame(nil, `{"type":"pong","payload":`, m.Payload, "}"))
	return nil
}

func (s *socket) receiveSubscribe(m message) *CloseError {
	id, refused := s.subscriber(m)
	if refused != nil {
		return refused
	}
	if m.Payload.Kind() != '{' {
		return s.refuse(id, CodeInvalidInput, "the payload of subscribe must be an object")
	}
	var operation envelope
	if err := strictjson.Decode(m.Payload, &operation, envelopeOptions); err != nil {
		return s.refuse(id, CodeInvalidInput, "the payload of subscribe cannot be read: "+err.Error())
	}
	if operation.isPersisted() {
		return s.refuse(id, CodePersistedQueryNotSupported, persistedNotSupported)
	}
	if operation.Query == nil || *operation.Query == "" {
		return s.refuse(id, CodeInvalidInput, `the payload of subscribe must have "query", a string`)
	}
	return s.subscribe(id, operation, m.room)
}

// subscriber returns the id of a message that wants to subscribe.
func (s *socket) subscriber(m message) (id string, refused *CloseError) {
	if id, refused = m.streamID(); refused == nil && s.operations == nil {
		refused = &CloseError{CloseUnauthorized, "Unauthorized"}
	}
	return id, refused
}

// refuse answers a subscribe whose payload is no operation. The id stays free, and the other
// streams go on.
func (s *socket) refuse(id, code, message string) *CloseError {
	if s.isInUse(id) {
		return inUse(id)
	}
	s.reply((&stream{id: id}).errorFrame(nil, gqlerror.List{newError(code, message)}))
	return nil
}

// receiveBroken is for a message that strict decoding refuses. When all that is wrong with it is
// within the payload, the other streams go on: that of a subscribe is refused, and of no other
// message but the first does anybody read it. Anything else breaks the protocol.
func (s *socket) receiveBroken(data []byte, cause error) *CloseError {
	m, ok := frameOf(data)
	switch {
	case ok && m.Type == "ping":
		return s.receivePing(m)
	case ok && m.Type == "pong":
		return m.requireObject()
	case ok && m.Type == "complete":
		return s.receiveComplete(m)
	case !ok || m.Type != "subscribe":
		return badRequest("Invalid message: %v", cause)
	}
	id, refused := s.subscriber(m)
	if refused != nil {
		return refused
	}
	return s.refuse(id, CodeInvalidInput, "the payload of subscribe cannot be read: "+cause.Error())
}

func (s *socket) receiveComplete(m message) *CloseError {
	id, refused := m.streamID()
	if refused != nil {
		return refused
	}
	s.complete(id)
	return nil
}

func (m message) streamID() (string, *CloseError) {
	if m.ID == nil || *m.ID == "" {
		return "", badRequest("Invalid message: it has no id")
	}
	if len(*m.ID) > maxStreamID {
		return "", badRequest("Invalid message: its id has more than %d bytes", maxStreamID)
	}
	return *m.ID, nil
}

// requireObject refuses a payload that is there and neither an object nor null.
func (m message) requireObject() *CloseError {
	if kind := m.Payload.Kind(); m.Payload != nil && kind != '{' && kind != 'n' {
		return badRequest("Invalid message: the payload of %s must be an object", m.Type)
	}
	return nil
}

func (m message) object() (map[string]any, *CloseError) {
	if refused := m.requireObject(); refused != nil || m.Payload == nil {
		return nil, refused
	}
	var payload strictjson.Object
	if err := strictjson.Decode(m.Payload, &payload, strictjson.Options{}); err != nil {
		return nil, badRequest("Invalid message: payload: %v", err)
	}
	return payload, nil
}
