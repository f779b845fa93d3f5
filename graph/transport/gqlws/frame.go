package gqlws

import (
	"encoding/binary"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/gorilla/websocket"
	"golang.org/x/sync/semaphore"

	"configapi/internal/budget"
	"configapi/internal/excerpt"
)

// frame is one message on its way to the peer. Its payload is head, body and tail, one after the
// other, so that the subscribers of a group share a body: all that is their own, the id, is in the
// head.
type frame struct {
	opcode byte
	head   string
	body   []byte // not changed once the frame is queued
	tail   string

	owner owner // nil: the socket itself
	last  bool  // the owner's last

	quota  *semaphore.Weighted // where weight is given back when the frame has left the queue
	weight int64
	memory *budget.Shared // of the body; nil: it needs none
}

// owner is the operation that a frame belongs to.
type owner interface {
	// wanted reports whether the client still wants frames of the owner.
	wanted() bool
	// ended is called when the owner's last frame is about to be sent.
	ended()
}

// isDue reports whether the frame is still wanted. The caller must send it then: the last frame of
// an operation frees its id.
func (f *frame) isDue() bool {
	if f.owner == nil {
		return true
	}
	if !f.owner.wanted() {
		return false // the client completed it while this frame waited
	}
	if f.last {
		f.owner.ended()
	}
	return true
}

// release gives back what the frame holds. It must be called once, when the frame has left the
// queue or could not be put there.
func (f *frame) release() {
	if f.quota != nil {
		f.quota.Release(f.weight)
	}
	f.memory.Release()
}

func releaseAll(batch []frame) {
	for i := range batch {
		batch[i].release()
	}
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

func textFrame(owner owner, head string, body []byte, tail string) frame {
	return frame{opcode: websocket.TextMessage, head: head, body: body, tail: tail, owner: owner}
}

// messageHead returns the beginning of a message of the server, up to what follows its type.
func messageHead(id, kind string) string {
	// The id came as valid UTF-8, so that quoting it cannot fail.
	quoted, _ := jsontext.AppendQuote([]byte(`{"id":`), id)
	return string(quoted) + `,"type":"` + kind + `"`
}

// closeFrame says why the socket closes. The reason is cut to what a control frame holds. 1005
// stands for a close frame without code.
func closeFrame(code int, reason string) frame {
	if code == websocket.CloseNoStatusReceived {
		return frame{opcode: websocket.CloseMessage}
	}
	payload := binary.BigEndian.AppendUint16(nil, uint16(code))
	return frame{opcode: websocket.CloseMessage, head: string(payload) + excerpt.Start(reason, maxReasonBytes)}
}

func (f *frame) payloadLen() int { return len(f.head) + len(f.body) + len(f.tail) }

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
