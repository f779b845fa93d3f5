package websockettest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// MaxMessage is the largest message that is taken, in bytes: more than any server should send at
// once.
const MaxMessage = 64 << 20

// Parser makes messages of the bytes that a server sends. While no frame is begun, it keeps no
// memory. The zero value is ready to use.
type Parser struct {
	rest    []byte // of the last bytes: a frame that is not whole
	message []byte // whose last frame has not come yet
	opcode  byte   // of that message
	within  bool   // a message has begun
}

// Take takes the next bytes of the connection, and calls each with every message and control frame
// that they complete. A payload is valid until each returns. Take returns the error of each, or
// what is wrong with a frame, after which the parser must not be used.
func (p *Parser) Take(data []byte, each func(opcode byte, payload []byte) error) error {
	kept := len(p.rest) > 0
	if kept {
		p.rest = append(p.rest, data...)
		data = p.rest
	}
	whole := len(data)
	for {
		h, complete, err := parseHeader(data)
		if err != nil {
			return err
		}
		if !complete || len(data) < h.size+h.length {
			break
		}
		payload := data[h.size : h.size+h.length]
		data = data[h.size+h.length:]
		if err := p.frame(h, payload, each); err != nil {
			return err
		}
	}
	switch {
	case len(data) == 0:
		p.rest = nil
	case !kept || len(data) < whole:
		p.rest = slices.Clone(data)
	}
	return nil
}

// frame handles one frame. Control frames may come between those of a message.
func (p *Parser) frame(h header, payload []byte, each func(opcode byte, payload []byte) error) error {
	switch {
	case h.opcode >= Close:
		return each(h.opcode, payload)
	case p.within != (h.opcode == Continuation):
		return errors.New("got fragments out of order")
	case h.final && !p.within:
		return each(h.opcode, payload)
	case !p.within:
		p.opcode, p.within = h.opcode, true
	}
	if len(p.message)+len(payload) > MaxMessage {
		return fmt.Errorf("got a message of more than %d bytes", MaxMessage)
	}
	p.message = append(p.message, payload...)
	if !h.final {
		return nil
	}
	message := p.message
	p.message, p.within = nil, false
	return each(p.opcode, message)
}

// header is the header of a frame that a server sends.
type header struct {
	final  bool
	opcode byte
	size   int // bytes of the header itself
	length int // bytes of the payload
}

// parseHeader reads the header at the beginning of data. complete is false when not all of it is
// there yet.
func parseHeader(data []byte) (h header, complete bool, err error) {
	if len(data) < 2 {
		return h, false, nil
	}
	h = header{final: data[0]&Final != 0, opcode: data[0] & 0x0f, size: 2, length: int(data[1])}
	if data[0]&0x70 != 0 || data[1]&0x80 != 0 || h.opcode >= Close && (!h.final || h.length > 125) {
		return h, false, fmt.Errorf("got a frame that begins with %x, which no server may send", data[:2])
	}
	shortest := 0
	switch {
	case h.length == 126 && len(data) >= 4:
		h.size, h.length, shortest = 4, int(binary.BigEndian.Uint16(data[2:])), 126
	case h.length == 127 && len(data) >= 10:
		h.size, h.length, shortest = 10, int(min(binary.BigEndian.Uint64(data[2:]), MaxMessage+1)), 1<<16
	case h.length >= 126:
		return h, false, nil
	}
	if h.length < shortest {
		return h, false, fmt.Errorf("got a frame whose length, %d, is not in its shortest form", h.length)
	}
	if h.length > MaxMessage {
		return h, false, fmt.Errorf("got a frame of more than %d bytes", MaxMessage)
	}
	return h, true, nil
}
