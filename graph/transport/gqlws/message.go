package gqlws

import (
	"github.com/go-json-experiment/json/jsontext"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/strictjson"
)

// clientMessage is one message of the client.
type clientMessage struct {
	Type    string         `json:"type"`
	ID      *string        `json:"id"`
	Payload jsontext.Value `json:"payload"`

	// unreadable is why the payload of a subscribe cannot be read, nil when it can.
	unreadable error
}

const (
	ackMessage  = `{"type":"connection_ack"}`
	pingMessage = `{"type":"ping"}`
	pongMessage = `{"type":"pong"}`
)

// operationID returns the id of a message that must have one.
func (m *clientMessage) operationID() (string, *CloseError) {
	if m.ID == nil || *m.ID == "" {
		return "", badRequest("Invalid message: it has no id")
	}
	if len(*m.ID) > maxIDBytes {
		return "", badRequest("Invalid message: its id has more than %d bytes", maxIDBytes)
	}
	return *m.ID, nil
}

// requireObject refuses a payload that is there and neither an object nor null.
func (m *clientMessage) requireObject() *CloseError {
	if kind := m.Payload.Kind(); m.Payload != nil && kind != '{' && kind != 'n' {
		return badRequest("Invalid message: the payload of %s must be an object", m.Type)
	}
	return nil
}

// object returns the payload, nil when there is none.
func (m *clientMessage) object() (map[string]any, *CloseError) {
	if refused := m.requireObject(); refused != nil || m.Payload == nil {
		return nil, refused
	}
	var payload strictjson.Object
	if err := strictjson.Decode(m.Payload, &payload, strictjson.Options{}); err != nil {
		return nil, badRequest("Invalid message: payload: %v", err)
	}
	return payload, nil
}

// request returns the payload of a subscribe, or the fault to answer it with.
func (m *clientMessage) request() (request gqlmsg.Request, f *gqlmsg.Fault) {
	const unreadable = "the payload of subscribe cannot be read: "
	if m.unreadable != nil {
		return request, gqlmsg.InvalidInput(unreadable + m.unreadable.Error())
	}
	if m.Payload.Kind() != '{' {
		return request, gqlmsg.InvalidInput("the payload of subscribe must be an object")
	}
	if err := request.Read(m.Payload); err != nil {
		return request, gqlmsg.InvalidInput(unreadable + err.Error())
	}
	if request.IsPersisted() {
		return request, gqlmsg.PersistedFault()
	}
	if !request.HasQuery() {
		return request, gqlmsg.InvalidInput(`the payload of subscribe must have "query", a string`)
	}
	return request, nil
}
