package websockettest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// serve is a server of one connection, over a pipe. It speaks a dialogue: what it expects and what
// it sends, in turn, beginning with what follows the handshake.
func serve(t *testing.T, dialogue ...string) Options {
	t.Helper()
	client, server := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer server.Close()
		c := &Conn{Conn: server}
		request := make([]byte, 1000)
		n, err := server.Read(request)
		if err != nil || !strings.Contains(string(request[:n]), "\r\nSec-Websocket-Protocol: graphql-transport-ws\r\n") {
			t.Errorf("got the request %q, %v", request[:n], err)
			return
		}
		_, key, _ := strings.Cut(string(request[:n]), "Sec-WebSocket-Key: ")
		key, _, _ = strings.Cut(key, "\r\n")
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: "+accept(key)+"\r\n\r\n")
		for i, text := range dialogue {
			if i%2 == 1 {
				_, _ = io.WriteString(c, text)
				continue
			}
			got := make([]byte, len(text))
			if _, err := io.ReadFull(server, got); err != nil || string(got) != text {
				t.Errorf("got %q, %v; want %q", got, err, text)
			}
		}
	}()
	t.Cleanup(func() {
		client.Close()
		<-ended
	})
	return Options{Dial: func(context.Context) (net.Conn, error) { return client, nil }, Patience: time.Minute}
}

func sent(frames ...Frame) string { return string(Encode(frames...)) }

func from(text string) string { return string(serverFrame(Final|Text, text)) }

const address = "http://config.test/graphql"

var (
	begin = sent(TextFrame(`{"type":"connection_init"}`))
	ack   = from(`{"type":"connection_ack"}`)
)

func TestClientAnswersPingsAndCloses(t *testing.T) {
	options := serve(t, begin, ack,
		sent(TextFrame(`{"id":"1","payload":{"query":"{a}","variables":null},"type":"subscribe"}`)), from(`{"type":"ping"}`),
		sent(TextFrame(`{"type":"pong"}`)), "\x89\x02hi",
		sent(Frame{First: Final | Pong, Payload: "hi"}), from(`{"id":"1","type":"next","payload":{"data":1}}`)+"\x88\x05\x03\xf4bye",
		sent(Frame{First: Final | Close, Payload: "\x03\xf4bye"}),
	)
	c, err := Open(t.Context(), address, options)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Subscribe("1", "{a}", nil); err != nil {
		t.Fatal(err)
	}
	m, err := c.Receive()
	if err != nil || m.ID != "1" || m.Type != "next" || string(m.Payload) != `{"data":1}` || !strings.Contains(m.Text, `"next"`) {
		t.Errorf("got %+v, %v", m, err)
	}
	_, err = c.Receive()
	if CloseCode(err) != CodeServiceRestart || !strings.Contains(err.Error(), "bye") {
		t.Errorf("got %v, want a close with 1012", err)
	}
}

func TestEndWithoutACloseFrame(t *testing.T) {
	for _, rest := range []string{"", "\x81"} {
		c, err := Open(t.Context(), address, serve(t, begin, ack+rest))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Receive(); CloseCode(err) != 1006 {
			t.Errorf("after %q: got %v, want 1006", rest, err)
		}
		c.Close()
	}
}

func TestOpenIsRefused(t *testing.T) {
	for _, answer := range []string{from(`{"type":"next"}`), "\x88\x02\x11\x33", "\xc1\x00", "\x82\x00", from("no JSON")} {
		if _, err := Open(t.Context(), address, serve(t, begin, answer, sent(Frame{First: Final | Close, Payload: "\x11\x33"})[:0])); err == nil {
			t.Errorf("%q: got no error", answer)
		}
	}
	refused := Options{Dial: func(context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			_, _ = server.Read(make([]byte, 1000))
			_, _ = io.WriteString(server, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
		}()
		return client, nil
	}}
	if _, err := Open(t.Context(), address, refused); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("got %v, want the status", err)
	}
	if _, err := Open(t.Context(), "file:///etc", Options{}); err == nil || !strings.Contains(err.Error(), "ws://") {
		t.Errorf("got %v, want what an address looks like", err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	client, server := net.Pipe()
	defer server.Close()
	dial := func(context.Context) (net.Conn, error) {
		cancel()
		return client, nil
	}
	if _, err := Open(ctx, address, Options{Dial: dial, Header: http.Header{"Origin": {"x"}}}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}
