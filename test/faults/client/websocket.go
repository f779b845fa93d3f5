package client

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// message is one of the protocol graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// sharedConn is a connection on which two goroutines write.
type sharedConn struct {
	mu   sync.Mutex // one write at a time
	conn *websocket.Conn
}

func (c *sharedConn) send(kind string, payload any) error {
	m := message{Type: kind}
	if payload != nil {
		text, err := json.Marshal(payload)
		if err != nil {
			return err
		}
		m.ID, m.Payload = "1", text
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.conn.SetWriteDeadline(time.Now().Add(silence)); err != nil {
		return err
	}
	return c.conn.WriteJSON(m)
}

// receive returns the next message, or an error after a silence.
func (c *sharedConn) receive() (m message, err error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return m, err
	}
	if err := c.conn.ReadJSON(&m); err != nil {
		return m, err
	}
	if m.Type == "ping" {
		return m, c.send("pong", nil)
	}
	return m, nil
}

// keepAlive sends pings until stop is called.
func (c *sharedConn) keepAlive() (stop func()) {
	done := make(chan struct{})
	var pings sync.WaitGroup
	pings.Go(func() {
		tick := time.NewTicker(pingInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if c.send("ping", nil) != nil {
					return
				}
			case <-done:
				return
			}
		}
	})
	return func() {
		close(done)
		pings.Wait()
	}
}
