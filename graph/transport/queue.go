package transport

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/semaphore"

	"configapi/internal/budget"
)

// errStreamOver says that nothing more may be sent for a stream: it has ended, the client completed it, or the socket closes.
var errStreamOver = errors.New("stream is over")

// send queues a stream's frame, and waits while the socket holds too much that the peer has not taken. Streams get room in the
// order in which they ask for it. The wait is bounded by the write deadline: a peer that takes nothing is dropped.
func (s *socket) send(ctx context.Context, f frame) error {
	if err := s.reserve(ctx, s.room, &f); err != nil {
		f.release()
		return errStreamOver
	}
	if !s.push(f) {
		f.release()
		return errStreamOver
	}
	return nil
}

// reply queues an answer to a message of the peer. It is for the reader alone, which waits while the peer sends and does not take;
// streams that wait for room do not hold it up, so that their "complete" is still read.
func (s *socket) reply(f frame) {
	if s.reserve(s.ctx, s.replyRoom, &f) == nil && !s.push(f) {
		f.release()
	}
}

func (s *socket) reserve(ctx context.Context, room *semaphore.Weighted, f *frame) error {
	weight := s.weightOf(f)
	if err := room.Acquire(ctx, weight); err != nil {
		return err
	}
	f.room, f.weight = room, weight
	return nil
}

func (s *socket) weightOf(f *frame) int64 {
	return min(int64(f.payloadLen()+maxFrameHeader), s.transport.options.MaxQueuedBytes)
}

// push puts the frame at the end of the queue, unless nothing more may be sent for its owner.
func (s *socket) push(f frame) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing || f.owner != nil && f.owner.stopped.Load() {
		return false
	}
	s.enqueue(f)
	return true
}

// enqueue adds the frame and sees to it that there is a writer. It needs s.mu.
func (s *socket) enqueue(f frame) {
	s.queue = append(s.queue, f)
	if !s.writing {
		s.writing = true
		s.writers.Go(s.write)
	}
}

// write sends what is in the queue until there is nothing left. All that waits at the same time goes out together.
func (s *socket) write() {
	for batch := s.take(); batch != nil; batch = s.take() {
		if err := s.writeBatch(batch); err != nil {
			s.abort()
			return
		}
	}
}

// take empties the queue. Nil ends the writer: the next frame starts another.
func (s *socket) take() []frame {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := s.queue
	s.queue = nil
	if batch == nil {
		s.writing = false
	}
	return batch
}

// writeBatch writes frames, and gives back what they hold, also when it fails.
func (s *socket) writeBatch(batch []frame) error {
	defer releaseAll(batch)
	out := pieces{socket: s, buffer: pieceBuffers.Get().(*[]byte)}
	defer out.recycle()
	for i := range batch {
		if f := &batch[i]; s.isDue(f) {
			if err := out.add(f); err != nil {
				return err
			}
		}
	}
	if err := out.flush(); err != nil {
		return err
	}
	return s.drainAfter(batch)
}

func releaseAll(batch []frame) {
	for i := range batch {
		batch[i].release()
	}
}

// isDue reports whether a frame is to be sent, which is about to happen then.
func (s *socket) isDue(f *frame) bool {
	if f.owner != nil && f.owner.stopped.Load() {
		return false // The client completed it while this frame waited.
	}
	if f.last {
		s.forget(f.owner)
	}
	return true
}

// drainAfter bounds how long is still read from a peer that was sent a close frame.
func (s *socket) drainAfter(batch []frame) error {
	for i := range batch {
		if batch[i].opcode == websocket.CloseMessage {
			// What the peer still sends is read until then, or until it answers the close frame.
			return s.conn.SetReadDeadline(time.Now().Add(s.transport.options.DrainTimeout))
		}
	}
	return nil
}

// pieceBytes is how much goes out with one write, and one deadline.
const pieceBytes = 64 << 10

var pieceBuffers = sync.Pool{New: func() any { return new([]byte) }}

// pieces gathers frames and writes them in pieces, each with a deadline of its own: a peer that takes a large message slowly
// makes progress, and is not dropped.
type pieces struct {
	socket *socket
	buffer *[]byte
	lease  *lease    // of the frame that is being written
	until  time.Time // when that frame has to be taken; zero: each of its pieces has its own time
}

func (p *pieces) add(f *frame) error {
	p.lease = f.lease
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
	conn := p.socket.conn
	deadline := time.Now().Add(p.socket.transport.options.WriteTimeout)
	if !p.until.IsZero() && p.until.Before(deadline) {
		deadline = p.until
	}
	if err := conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	n, err := conn.Write(*p.buffer)
	p.lease.sent(n)
	*p.buffer = (*p.buffer)[:0]
	return err
}

func (p *pieces) recycle() {
	*p.buffer = (*p.buffer)[:0]
	pieceBuffers.Put(p.buffer)
}
