package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

func TestPingsAreAnswered(t *testing.T) {
	c := dial(t, time.Minute, func(peer *websocket.Conn) {
		send(t, peer, `{"type":"ping"}`)
		if _, pong, err := peer.ReadMessage(); err != nil || string(pong) != `{"type":"pong"}` {
			t.Errorf("got %s, %v, want a pong", pong, err)
		}
		send(t, peer, `{"type":"complete","id":"1"}`)
	})
	if _, message, err := c.ReadMessage(); err != nil || string(message) != `{"type":"complete","id":"1"}` {
		t.Errorf("got %s, %v, want the message after the ping", message, err)
	}
}

func TestErrorsAreRefusals(t *testing.T) {
	for code, retry := range map[string]bool{"POSITION_UNKNOWN": false, "POSITION_NOT_REACHED": true, "UNAVAILABLE": true, "": false} {
		c := dial(t, time.Minute, func(peer *websocket.Conn) {
			send(t, peer, `{"type":"error","id":"1","payload":[{"message":"no","extensions":{"code":"`+code+`"}}]}`)
		})
		_, _, err := c.ReadMessage()
		var refused refusal
		if !errors.As(err, &refused) || refused.code() != code || retryable(err) != retry {
			t.Errorf("%q: got %v, retryable: %t", code, err, retryable(err))
		}
	}
}

func TestCloseCodes(t *testing.T) {
	for code, retry := range map[int]bool{websocket.CloseServiceRestart: true, 4400: false, 4403: false} {
		c := dial(t, time.Minute, func(peer *websocket.Conn) {
			if err := peer.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, "")); err != nil {
				t.Error(err)
			}
		})
		if _, _, err := c.ReadMessage(); !websocket.IsCloseError(err, code) || retryable(err) != retry {
			t.Errorf("%d: got %v, retryable: %t", code, err, retryable(err))
		}
	}
}

func TestSilentServerIsAbandoned(t *testing.T) {
	released := make(chan struct{})
	c := dial(t, time.Millisecond, func(*websocket.Conn) { <-released })
	defer close(released)
	_, _, err := c.ReadMessage()
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() || !retryable(err) {
		t.Errorf("got %v, retryable: %t, want a retryable time-out", err, retryable(err))
	}
}

// dial connects to a server whose connection serve handles.
func dial(t *testing.T, silence time.Duration, serve func(*websocket.Conn)) interface {
	ReadMessage() (int, []byte, error)
} {
	t.Helper()
	served := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		var upgrader websocket.Upgrader
		peer, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer peer.Close()
		serve(peer)
	}))
	ctx, hangUp := context.WithCancel(context.Background())
	t.Cleanup(func() {
		hangUp()
		<-served
		server.Close()
	})
	c, err := dialer{silence: silence}.DialContext(ctx, strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, peer *websocket.Conn, message string) {
	t.Helper()
	if err := peer.WriteMessage(websocket.TextMessage, []byte(message)); err != nil {
		t.Error(err)
	}
}
