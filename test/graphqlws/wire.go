package graphqlws

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Opcodes of frames, and the bits beside them.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa

	final    = 0x80 // the last frame of its message
	reserved = 0x40 // the bit that stands for compression
)

// maxMessage is more than any server should send at once, in bytes.
const maxMessage = 64 << 20

// frame is a frame of a client. It is masked and says its true length, unless it is told to be wrong.
type frame struct {
	first   byte // the final bit, the reserved ones, and the opcode
	payload string
	bare    bool   // without a mask
	length  uint64 // what it says that its length is; 0: the true one
}

func text(payload string) frame { return frame{first: final | opText, payload: payload} }

// mask is no secret here, but it changes every byte.
var mask = [4]byte{0x37, 0xfa, 0x21, 0xbd}

func (f frame) appendTo(raw []byte) []byte {
	length := uint64(len(f.payload))
	if f.length != 0 {
		length = f.length
	}
	masked := byte(0x80)
	if f.bare {
		masked = 0
	}
	raw = append(raw, f.first)
	switch {
	case length <= 125:
		raw = append(raw, masked|byte(length))
	case length < 1<<16:
		raw = binary.BigEndian.AppendUint16(append(raw, masked|126), uint16(length))
	default:
		raw = binary.BigEndian.AppendUint64(append(raw, masked|127), length)
	}
	if f.bare {
		return append(raw, f.payload...)
	}
	raw = append(raw, mask[:]...)
	for i := range len(f.payload) {
		raw = append(raw, f.payload[i]^mask[i%4])
	}
	return raw
}

func encode(frames ...frame) []byte {
	var raw []byte
	for _, f := range frames {
		raw = f.appendTo(raw)
	}
	return raw
}

// wire reads what a server sends.
type wire struct {
	in      *bufio.Reader
	joined  []byte // the fragments of a message that is not whole yet
	joining bool
}

// read takes the next message, or control frame.
func (w *wire) read() (message, error) {
	for {
		first, payload, err := w.readFrame()
		if err != nil {
			return message{}, err
		}
		switch opcode := first & 0x0f; opcode {
		case opPing:
			return message{kind: pingFrame, reason: string(payload)}, nil
		case opPong:
			return message{kind: pongFrame, reason: string(payload)}, nil
		case opClose:
			return parseClose(payload)
		case opText, opContinuation:
			if w.joining != (opcode == opContinuation) {
				return message{}, errors.New("got fragments out of order")
			}
			w.joined = append(w.joined, payload...)
			if w.joining = first&final == 0; !w.joining {
				whole := w.joined
				w.joined = nil
				return parse(whole)
			}
		default:
			return message{}, fmt.Errorf("got a frame with opcode %d; want text", opcode)
		}
	}
}

// readFrame reads one frame, which must be as a server's frames are: not masked, and not compressed.
func (w *wire) readFrame() (first byte, payload []byte, err error) {
	var header [10]byte
	if _, err := io.ReadFull(w.in, header[:2]); err != nil {
		return 0, nil, fmt.Errorf("the connection has ended: %w", err)
	}
	first = header[0]
	length, shortest := uint64(header[1]), uint64(0)
	switch length {
	case 126:
		_, err = io.ReadFull(w.in, header[2:4])
		length, shortest = uint64(binary.BigEndian.Uint16(header[2:])), 126
	case 127:
		_, err = io.ReadFull(w.in, header[2:])
		length, shortest = binary.BigEndian.Uint64(header[2:]), 1<<16
	}
	switch control := first&0x08 != 0; {
	case err != nil:
		return 0, nil, fmt.Errorf("the connection has ended within a frame: %w", err)
	case length < shortest:
		return 0, nil, fmt.Errorf("got a frame whose length, %d, is not in its shortest form", length)
	case first&0x70 != 0, header[1]&0x80 != 0, control && (length > 125 || first&final == 0):
		return 0, nil, fmt.Errorf("got a frame that begins with %x, which no server may send", header[:2])
	case length > maxMessage:
		return 0, nil, fmt.Errorf("got a frame of %d bytes", length)
	}
	payload = make([]byte, length)
	if _, err := io.ReadFull(w.in, payload); err != nil {
		return 0, nil, fmt.Errorf("the connection has ended within a frame: %w", err)
	}
	return first, payload, nil
}
