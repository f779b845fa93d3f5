package edgetest_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"configapi/internal/websockettest"
)

// twinSocket is a websocket of one caller, with its streams.
type twinSocket struct {
	*websockettest.Client
	done chan struct{}

	mu      sync.Mutex
	inboxes map[string]parsed // :: id → where its messages go
	ids     int
}

// parsed is an inbox, and what of an answer it is for.
type parsed struct {
	*inbox
	parse func(answer []byte) (json.RawMessage, error)
}

func (s *twinServer) socket() *twinSocket { return s.socketOf(s.secret) }

// socketOf returns the websocket of a caller, which is opened when there is none yet.
func (s *twinServer) socketOf(secret string) *twinSocket {
	if c := s.sockets[secret]; c != nil {
		return c
	}
	client, err := s.dial(s.T, "", inPayload(secret))
	s.Must(err)
	c := &twinSocket{Client: client, done: make(chan struct{}), inboxes: make(map[string]parsed)}
	s.sockets[secret] = c
	go c.receive()
	return c
}

func (c *twinSocket) receive() {
	defer close(c.done)
	for {
		message, err := c.Receive()
		c.mu.Lock()
		if err != nil {
			for _, in := range c.inboxes {
				in.put(nil, err)
			}
			c.mu.Unlock()
			return
		}
		if in, open := c.inboxes[message.ID]; open {
			in.put(in.parse(message.Payload))
		}
		c.mu.Unlock()
	}
}

// begin starts an operation whose messages come into an inbox.
func (c *twinSocket) begin(query string, variables object, parse func([]byte) (json.RawMessage, error)) (in *inbox, id string, err error) {
	c.mu.Lock()
	c.ids++
	in, id = newInbox(), fmt.Sprint("op-", c.ids)
	c.inboxes[id] = parsed{in, parse}
	c.mu.Unlock()
	return in, id, c.Subscribe(id, query, variables)
}

func (c *twinSocket) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.inboxes, id)
}

// ask sends an operation, and returns its first message.
func (c *twinSocket) ask(t *testing.T, query string, variables object) string {
	t.Helper()
	in, id, err := c.begin(query, variables, wholeOf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.forget(id)
	messages, err := in.take()
	if err != nil {
		t.Fatal(err)
	}
	return string(messages[0])
}

// overSocket opens a subscription over the websocket.
func (s *twinServer) overSocket(query string) func(secret string, variables object) (*inbox, func()) {
	return func(secret string, variables object) (*inbox, func()) {
		c := s.socketOf(secret)
		in, id, err := c.begin(query, variables, fieldOf)
		s.Must(err)
		return in, func() {
			c.forget(id)
			_ = c.Send(fmt.Sprintf(`{"type":"complete","id":%q}`, id)) // fails when the socket is closed
		}
	}
}
