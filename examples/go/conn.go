package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/Khan/genqlient/graphql"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// maxSilence is the longest time between two messages of a live server, which pings every 20 s.
const maxSilence = 30 * time.Second

// dialer makes connections that handle the messages of type ping and error. genqlient 0.8.1 takes
// both for invalid messages.
type dialer struct{ silence time.Duration }

// DialContext returns a connection that is closed when ctx ends.
func (d dialer) DialContext(ctx context.Context, url string, header http.Header) (graphql.WSConn, error) {
	socket, _, err := websocket.DefaultDialer.DialContext(ctx, url, header)
	if err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = socket.Close() })
	return &conn{Conn: socket, silence: d.silence}, nil
}

type conn struct {
	*websocket.Conn
	silence time.Duration

	writing sync.Mutex // a websocket supports one concurrent writer
}

func (c *conn) WriteMessage(kind int, data []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.Conn.WriteMessage(kind, data)
}

// ReadMessage answers pings and returns the next other message. A message of type error is returned
// as a [refusal].
func (c *conn) ReadMessage() (kind int, data []byte, err error) {
	for {
		if err := c.SetReadDeadline(time.Now().Add(c.silence)); err != nil {
			return 0, nil, err
		}
		kind, data, err := c.Conn.ReadMessage()
		if err != nil {
			return 0, nil, err
		}
		var message struct {
			Type    string          `json:"type"`
			Payload json.RawMessage `json:"payload"`
		}
		if err := json.Unmarshal(data, &message); err != nil {
			return 0, nil, err
		}
		switch message.Type {
		case "ping":
			if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"pong"}`)); err != nil {
				return 0, nil, err
			}
		case "error":
			var errs gqlerror.List
			return 0, nil, errors.Join(json.Unmarshal(message.Payload, &errs), refusal{errs})
		default:
			return kind, data, nil
		}
	}
}

// refusal is the error with which the server ended or refused a subscription.
type refusal struct{ gqlerror.List }

// code is the code of the first error, "" when it has none.
func (r refusal) code() string {
	if len(r.List) == 0 {
		return ""
	}
	code, _ := r.List[0].Extensions["code"].(string)
	return code
}
