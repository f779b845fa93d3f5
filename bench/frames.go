package main

import (
	"encoding/binary"
	"fmt"
)

// Opcodes of websocket frames (RFC 6455, 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

// maxMessage is the largest message that a subscriber takes, in bytes.
const maxMessage = 64 << 20

// frameHeader is the header of a frame that a server sends.
type frameHeader struct {
	final  bool // the last frame of its message
	opcode byte
	size   int // bytes of the header itself
	length int // bytes of the payload
}

// parseFrameHeader reads the header at the beginning of data. complete is false when not all of it is there yet.
func parseFrameHeader(data []byte) (h frameHeader, complete bool, err error) {
	if len(data) < 2 {
		return h, false, nil
	}
	h = frameHeader{final: data[0]&0x80 != 0, opcode: data[0] & 0x0f, size: 2, length: int(data[1])}
	if data[0]&0x70 != 0 || data[1]&0x80 != 0 {
		return h, false, fmt.Errorf("frame that begins with % x: nothing was negotiated, and servers do not mask", data[:2])
	}
	switch {
	case h.length == 126 && len(data) >= 4:
		h.size, h.length = 4, int(binary.BigEndian.Uint16(data[2:]))
	case h.length == 127 && len(data) >= 10:
		h.size, h.length = 10, int(min(binary.BigEndian.Uint64(data[2:]), maxMessage+1))
	case h.length >= 126:
		return h, false, nil
	}
	if h.length > maxMessage {
		return h, false, fmt.Errorf("frame of more than %d bytes", maxMessage)
	}
	return h, true, nil
}

// appendFrame appends a frame from a client. Its mask is zero: it is there to confuse proxies, and there is none.
func appendFrame(to []byte, opcode byte, payload string) []byte {
	const masked = 0x80
	to = append(to, 0x80|opcode)
	if len(payload) < 126 {
		to = append(to, masked|byte(len(payload)))
	} else {
		to = binary.BigEndian.AppendUint16(append(to, masked|126), uint16(len(payload)))
	}
	return append(append(to, 0, 0, 0, 0), payload...)
}

// frameReader makes messages of the bytes of a connection. While nothing is begun, it keeps no memory.
type frameReader struct {
	rest    []byte // of the last bytes: a frame that is not complete
	message []byte // whose last frame has not come yet
	opcode  byte   // of that message
	within  bool   // a message has begun
}

// take reads the next bytes of the connection and calls each with every message that they complete. A payload is valid
// until each returns.
func (r *frameReader) take(data []byte, each func(opcode byte, payload []byte) error) error {
	if len(r.rest) > 0 {
		r.rest = append(r.rest, data...)
		data = r.rest
	}
	for {
		h, complete, err := parseFrameHeader(data)
		if err != nil {
			return err
		}
		if !complete || len(data) < h.size+h.length {
			break
		}
		payload := data[h.size : h.size+h.length]
		data = data[h.size+h.length:]
		if err := r.frame(h, payload, each); err != nil {
			return err
		}
	}
	if len(data) == 0 {
		r.rest = nil
	} else {
		r.rest = append(r.rest[:0], data...)
	}
	return nil
}

// frame handles one frame. Control frames may stand between those of a message.
func (r *frameReader) frame(h frameHeader, payload []byte, each func(opcode byte, payload []byte) error) error {
	switch {
	case h.opcode >= opClose:
		return each(h.opcode, payload)
	case r.within != (h.opcode == opContinuation):
		return fmt.Errorf("frame with opcode %d, message begun: %v", h.opcode, r.within)
	case h.final && !r.within:
		return each(h.opcode, payload)
	case !r.within:
		r.opcode, r.within = h.opcode, true
	}
	if len(r.message)+len(payload) > maxMessage {
		return fmt.Errorf("message of more than %d bytes", maxMessage)
	}
	r.message = append(r.message, payload...)
	if !h.final {
		return nil
	}
	message := r.message
	r.message, r.within = nil, false
	return each(r.opcode, message)
}
