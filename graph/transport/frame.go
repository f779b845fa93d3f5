package transport

import (
	"encoding/binary"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/semaphore"
)

// frame is one message on its way to the peer. Its payload is head, body and tail, one after the other, so that the members of a group
// of streams can share a body: all that is their own, the id, is in the head.
type frame struct {
	opcode byte
	head   string
	body   []byte // not changed once the frame is queued
	tail   string

	owner *stream // nil: the socket itself
	last  bool    // the owner's last: its id is free again when the peer can have seen it

	room   *semaphore.Weighted // where weight is given back when the frame has left the queue
	weight int64
	lease  *lease // of the body; nil: it needs none
}

// release gives back what the frame holds. It must be called once, when the frame has left the
// queue or could not be put there.
func (f *frame) release() {
	if f.room != nil {
		f.room.Release(f.weight)
	}
	f.lease.release()
}

const (
	finalBit       = 1 << 7
	maxFrameHeader = 10
	maxReasonBytes = 125 - 2 // a control frame's payload without the code

	// The second byte of a frame is its length up to 125, or says where to find it.
	maxShortLength = 125
	length16Bits   = 126
	length64Bits   = 127
)

func textFrame(owner *stream, head string, body []byte, tail string) frame {
	return frame{opcode: websocket.TextMessage, head: head, body: body, tail: tail, owner: owner}
}

// closeFrame says why the socket closes; the reason is cut to what a control frame holds. 1005 stands for a close frame without code.
func closeFrame(code int, reason string) frame {
	if code == websocket.CloseNoStatusReceived {
		return frame{opcode: websocket.CloseMessage}
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(code))
	return frame{opcode: websocket.CloseMessage, head: string(payload) + cut(reason, maxReasonBytes)}
}

func (f *frame) payloadLen() int {
	return len(f.head) + len(f.body) + len(f.tail)
}

// appendHeader appends the header of an unfragmented frame from a server, which is never masked.
func (f *frame) appendHeader(to []byte) []byte {
	to = append(to, finalBit|f.opcode)
	switch n := f.payloadLen(); {
	case n <= maxShortLength:
		return append(to, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(to, length16Bits), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(to, length64Bits), uint64(n))
	}
}
