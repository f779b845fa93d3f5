package gqlws

import (
	"net"
	"sync"
	"time"

	"configapi/internal/budget"
)

// pieceBytes is how much goes out with one write, and one deadline.
const pieceBytes = 64 << 10

var pieceBuffers = sync.Pool{New: func() any { return new([]byte) }}

// pieces gathers frames and writes them in pieces, each with a deadline of its own: a peer that
// takes a large message slowly makes progress, and is not dropped.
type pieces struct {
	conn    net.Conn
	timeout time.Duration // of each piece
	buffer  *[]byte
	memory  *budget.Shared // of the frame that is being written
	until   time.Time      // when that frame must be taken; zero: the timeout of its pieces counts
}

// newPieces returns pieces whose recycle must be called.
func newPieces(conn net.Conn, timeout time.Duration) *pieces {
	return &pieces{conn: conn, timeout: timeout, buffer: pieceBuffers.Get().(*[]byte)}
}

func (p *pieces) add(f *frame) error {
	p.memory = f.memory
	if p.until = (time.Time{}); f.payloadLen() > pieceBytes {
		p.until = time.Now().Add(budget.TimeToSend(int64(f.payloadLen())))
	}
	if len(*p.buffer)+maxFrameHeader > pieceBytes {
		if err := p.flush(); err != nil {
			return err
		}
	}
	*p.buffer = f.appendHeader(*p.buffer)
	if err := addBytes(p, f.head); err != nil {
		return err
	}
	if err := addBytes(p, f.body); err != nil {
		return err
	}
	return addBytes(p, f.tail)
}

func addBytes[T string | []byte](p *pieces, bytes T) error {
	for {
		n := min(pieceBytes-len(*p.buffer), len(bytes))
		*p.buffer = append(*p.buffer, bytes[:n]...)
		bytes = bytes[n:]
		if len(bytes) == 0 {
			return nil
		}
		if err := p.flush(); err != nil {
			return err
		}
	}
}

func (p *pieces) flush() error {
	if len(*p.buffer) == 0 {
		return nil
	}
	deadline := time.Now().Add(p.timeout)
	if !p.until.IsZero() && p.until.Before(deadline) {
		deadline = p.until
	}
	if err := p.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	n, err := p.conn.Write(*p.buffer)
	p.memory.Sent(int64(n))
	*p.buffer = (*p.buffer)[:0]
	return err
}

func (p *pieces) recycle() {
	*p.buffer = (*p.buffer)[:0]
	pieceBuffers.Put(p.buffer)
}
