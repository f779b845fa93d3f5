package websockettest

import "encoding/binary"

// Opcodes of frames (RFC 6455, 5.2), and the bits beside them.
const (
	Continuation = 0x0
	Text         = 0x1
	Binary       = 0x2
	Close        = 0x8
	Ping         = 0x9
	Pong         = 0xa

	Final    = 0x80 // the last frame of its message
	Reserved = 0x40 // the bit that stands for compression
)

// Frame is a frame of a client. It is masked and says its true length, unless a field makes it
// wrong.
type Frame struct {
	First   byte // the bits and the opcode
	Payload string
	Bare    bool   // without a mask
	Length  uint64 // the length in the header; 0: the true one
}

// TextFrame is a whole message.
func TextFrame(payload string) Frame { return Frame{First: Final | Text, Payload: payload} }

// mask is no secret here, but it changes every byte.
var mask = [4]byte{0x37, 0xfa, 0x21, 0xbd}

// Append appends the bytes of the frame.
func (f Frame) Append(to []byte) []byte {
	length := uint64(len(f.Payload))
	if f.Length != 0 {
		length = f.Length
	}
	masked := byte(0x80)
	if f.Bare {
		masked = 0
	}
	to = append(to, f.First)
	switch {
	case length <= 125:
		to = append(to, masked|byte(length))
	case length < 1<<16:
		to = binary.BigEndian.AppendUint16(append(to, masked|126), uint16(length))
	default:
		to = binary.BigEndian.AppendUint64(append(to, masked|127), length)
	}
	if f.Bare {
		return append(to, f.Payload...)
	}
	to = append(to, mask[:]...)
	for i := range len(f.Payload) {
		to = append(to, f.Payload[i]^mask[i%4])
	}
	return to
}

// Encode is the bytes of frames, one after the other.
func Encode(frames ...Frame) []byte {
	var raw []byte
	for _, f := range frames {
		raw = f.Append(raw)
	}
	return raw
}
