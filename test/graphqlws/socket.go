package graphqlws

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"configapi/internal/websockettest"
)

// socket is a client's end of a websocket, on which a case says and hears single frames. It reads all the time, so that no server
// has to wait for a case that is sending, unless it is told to stall.
type socket struct {
	*trial
	conn *websockettest.Conn

	heard   chan message   // closed at the end of the connection
	ended   error          // why heard is closed
	running sync.WaitGroup // what reads

	limit   time.Duration // how long the server may wait before it does what comes next
	timeout <-chan time.Time
	last    string // what was sent last, for errors
}

// maxHeard is how many messages a socket takes that its case has not asked for yet.
const maxHeard = 1000

var errTimeout = errors.New("nothing came in time")

// listen begins to read.
func (s *socket) listen() {
	_ = s.conn.SetReadDeadline(time.Time{})
	s.heard = make(chan message, maxHeard)
	s.running.Go(func() {
		defer close(s.heard)
		for {
			m, err := receive(s.conn)
			if err != nil {
				s.ended = err
				return
			}
			select {
			case s.heard <- m:
			case <-s.ctx.Done():
				s.ended = context.Cause(s.ctx)
				return
			}
		}
	})
}

// stall ends the reading, and has the kernel hold little of what comes.
func (s *socket) stall() {
	if s.err != nil {
		return
	}
	_ = s.conn.SetReadDeadline(time.Now())
	s.running.Wait()
	if tcp, ok := s.conn.Conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
}

// send sends frames together.
func (s *socket) send(frames ...frame) {
	if s.err == nil {
		s.last = frames[len(frames)-1].Payload
		s.write(websockettest.Encode(frames...))
	}
}

// sendAnyway sends frames that the server need not take, as it may have closed the socket after the first.
func (s *socket) sendAnyway(frames ...frame) {
	if s.err != nil {
		return
	}
	s.last = frames[0].Payload
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.target.patience()))
	_, _ = s.conn.Write(websockettest.Encode(frames...))
}

func (s *socket) write(raw []byte) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(s.target.patience()))
	if _, err := s.conn.Write(raw); err != nil {
		s.fail("sending %.200q: %w", s.last, err)
	}
}

// expect sets the time for what the case waits for next: the patience, after the socket's limit.
func (s *socket) expect() { s.timeout = time.After(s.limit + s.target.patience()) }

// hear takes what has come next.
func (s *socket) hear() (message, error) {
	select {
	case m, open := <-s.heard:
		if !open {
			return message{}, s.ended
		}
		return m, nil
	case <-s.timeout:
		return message{}, errTimeout
	case <-s.ctx.Done():
		return message{}, context.Cause(s.ctx)
	}
}
