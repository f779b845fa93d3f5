package transport

import (
	"encoding/binary"
	"net"
	"time"

	"github.com/gorilla/websocket"
)

// wire is the connection as gorilla sees it after the handshake: gorilla reads from it, and what gorilla would write, which are the
// answers to control frames and to broken frames, goes through the socket's queue. So there is one writer, frames never mix,
// and one set of write deadlines.
type wire struct {
	net.Conn
	socket *socket // nil during the handshake
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 && w.socket != nil {
		w.socket.heard.Store(int64(time.Since(w.socket.opened)))
	}
	return n, err
}

// Write takes one control frame: gorilla writes each with one call, unmasked, with a header of two bytes.
func (w *wire) Write(p []byte) (int, error) {
	if w.socket == nil {
		return w.Conn.Write(p)
	}
	opcode, payload := p[0]&0x0f, p[2:]
	if opcode != websocket.CloseMessage {
		w.socket.reply(frame{opcode: opcode, head: string(payload)})
		return len(p), nil
	}
	code, reason := websocket.CloseNoStatusReceived, ""
	if len(payload) >= 2 {
		code, reason = int(binary.BigEndian.Uint16(payload)), string(payload[2:])
	}
	if code == websocket.CloseMessageTooBig { // which gorilla leaves without a reason
		reason = w.socket.tooBig()
	}
	w.socket.close(code, reason)
	return len(p), nil
}

// SetWriteDeadline does nothing once the socket's writer sets the deadlines.
func (w *wire) SetWriteDeadline(deadline time.Time) error {
	if w.socket == nil {
		return w.Conn.SetWriteDeadline(deadline)
	}
	return nil
}
