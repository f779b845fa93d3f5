package gqlws

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"configapi/graph/transport/gqlmsg"
	"configapi/internal/fault"
	"configapi/internal/strictjson"
	"configapi/internal/websockettest"
)

// messageSeeds are messages that are right, and messages that are wrong somewhere.
var messageSeeds = []string{
	`{"type":"connection_init"}`, `{"type":"connection_init","payload":{"token":"x"}}`, `{"type":"ping","payload":{"a":[1]}}`, `{"type":"pong","payload":3}`,
	`{"id":"1","type":"subscribe","payload":{"query":"{hello}"}}`, `{"id":"1","type":"subscribe","payload":{"query":"{hello}","variables":{"a":"\ud83d"}}}`,
	`{"id":"1","type":"subscribe","payload":{"query":"{hello}","variables":{"a":1e400}}}`, `{"id":"1","type":"subscribe","payload":{"query":"a","query":"b"}}`,
	`{"id":"1","type":"subscribe","payload":{"extensions":{"persistedQuery":{}}}}`, `{"id":"1","type":"subscribe","type":"ping"}`, `{"id":null,"type":null}`,
	`{"id":"\ud800","type":"complete"}`, `{"id":"1","type":"complete"} x`, "\ufeff{}", "", `[]`, `{"id":"1","type":"subscribe","payload":` + strings.Repeat("[", 80),
	`{"id":"1","type":"subscribe","payload":{"variables":{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}}}`,
}

// FuzzMessage shows that a message has one meaning: what is read strictly, the reader of messages
// that are wrong somewhere reads alike. What is refused closes the socket as the protocol says.
func FuzzMessage(f *testing.F) {
	for _, seed := range messageSeeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var strict clientMessage
		wrong := strictjson.Decode(data, &strict, gqlmsg.ReadOptions)
		m, refused := parseMessage(data)
		if refused != nil {
			if refused.Code != CloseBadRequest || !utf8.ValidString(refused.Reason) || wrong == nil {
				t.Errorf("%q: refused with %v, strictly %v", data, refused, wrong)
			}
			return
		}
		if (m.unreadable != nil) != (wrong != nil && m.Type == "subscribe") {
			t.Errorf("%q: unreadable because of %v, strictly %v", data, m.unreadable, wrong)
		}
		if loose, ok := parseLoosely(data); wrong == nil && ok && !sameMessage(loose, strict) {
			t.Errorf("%q: strictly %+v, loosely %+v", data, strict, loose)
		}
		if m.Payload != nil && wrong == nil && !json.Valid(m.Payload) {
			t.Errorf("%q: the payload is %q", data, m.Payload)
		}
		if _, refused := m.object(); refused != nil && refused.Code != CloseBadRequest {
			t.Errorf("%q: its payload is refused with %v", data, refused)
		}
		if request, bad := m.request(); bad == nil && (request.Query == "" || wrong != nil) ||
			bad != nil && (bad.Kind != fault.InvalidInput && bad.Kind != fault.PersistedQuery || !utf8.ValidString(bad.Message)) {
			t.Errorf("%q: its request is %+v, %+v", data, request, bad)
		}
	})
}

func sameMessage(a, b clientMessage) bool {
	sameID := a.ID == b.ID || a.ID != nil && b.ID != nil && *a.ID == *b.ID
	return sameID && a.Type == b.Type && (a.Payload == nil || bytes.Equal(a.Payload, b.Payload))
}

// FuzzFrames sends bytes to a socket that is open, and hangs up. Whatever they are, the server
// sends messages that another reader of frames takes, closes with a code that a server may send,
// and keeps nothing.
func FuzzFrames(f *testing.F) {
	for _, seed := range messageSeeds {
		f.Add([]byte(maskedFrame(finalBit|opText, seed)))
	}
	half := maskedFrame(opText, `{"type":`)
	for _, seed := range []string{
		half + maskedFrame(finalBit|opPing, "x") + maskedFrame(finalBit|opContinuation, `"ping"}`), half, half + half, maskedFrame(finalBit|opContinuation, "x"),
		maskedFrame(finalBit|opClose, ""), maskedFrame(finalBit|opClose, "\x03\xe8bye"), maskedFrame(finalBit|opClose, "x"), maskedFrame(finalBit|opClose, "\x03\xed"),
		maskedFrame(finalBit|opBinary, "x"), maskedFrame(finalBit|opPing, strings.Repeat("x", 126)), maskedFrame(0xf1, "{}"), maskedFrame(0x8b, ""),
		"\x81\x02{}", "\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff", "\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00", "\x81\xfe\x00\x01aaaax", "GET / HTTP/1.1\r\n\r\n",
		maskedFrame(finalBit|opText, `{"id":"1","type":"subscribe","payload":{"query":"subscription{ticks}"}}`) + maskedFrame(finalBit|opText, `{"id":"1","type":"complete"}`),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		bubble(t, Options{}, func(t *testing.T, f *fixture) {
			p := f.open(t)
			ended := make(chan string)
			go func() { ended <- receiveAll(p) }()
			_, _ = p.conn.Write(sent) // fails when the server has closed
			p.conn.Close()
			if problem := <-ended; problem != "" {
				t.Errorf("%q: %s", sent, problem)
			}
		})
	})
}

// receiveAll receives until the end, and returns what is wrong with what came.
func receiveAll(p *peer) (problem string) {
	for {
		opcode, payload, err := p.receive()
		switch {
		case err == io.EOF, err == io.ErrUnexpectedEOF, err == io.ErrClosedPipe:
			return problem
		case err != nil:
			return err.Error()
		case opcode == opText && !json.Valid([]byte(payload)):
			problem = fmt.Sprintf("got %q, which is not JSON", payload)
		case opcode == opClose && !isCloseOfServer(payload):
			problem = fmt.Sprintf("got close with %q", payload)
		}
	}
}

// isCloseOfServer reports whether a close frame has none of the codes that are not sent.
func isCloseOfServer(payload string) bool {
	if payload == "" {
		return true
	}
	if len(payload) < 2 || !utf8.ValidString(payload[2:]) {
		return false
	}
	switch code := int(payload[0])<<8 | int(payload[1]); code {
	case websocket.CloseNoStatusReceived, websocket.CloseAbnormalClosure, websocket.CloseTLSHandshake:
		return false
	default:
		return code >= 1000 && code < 5000
	}
}

// FuzzFrame shows that another reader of frames finds in a frame what the server has put there.
func FuzzFrame(f *testing.F) {
	for _, size := range []uint32{0, 1, 125, 126, 127, 1<<16 - 1, 1 << 16} {
		f.Add("id", size, "}")
	}
	f.Fuzz(func(t *testing.T, head string, size uint32, tail string) {
		body := bytes.Repeat([]byte("b"), int(size%(1<<17)))
		sent := textFrame(nil, head, body, tail)
		raw := append(append(append(sent.appendHeader(nil), head...), body...), tail...)
		received := 0
		err := new(websockettest.Parser).Take(raw, func(opcode byte, payload []byte) error {
			received++
			if opcode != opText || string(payload) != head+string(body)+tail {
				t.Errorf("%q, %d bytes, %q: got opcode %d and %d bytes", head, len(body), tail, opcode, len(payload))
			}
			return nil
		})
		if err != nil || received != 1 {
			t.Errorf("%q, %d bytes, %q: got %d messages, %v", head, len(body), tail, received, err)
		}
		closing := closeFrame(websocket.CloseServiceRestart, head)
		if utf8.ValidString(head) && (!utf8.ValidString(closing.head[2:]) || closing.payloadLen() > maxShortLength) {
			t.Errorf("%q: a close frame has %q", head, closing.head)
		}
	})
}
