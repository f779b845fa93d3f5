package graphqlws

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"configapi/internal/websockettest"
)

// Short names for the frames of the cases.
type frame = websockettest.Frame

const (
	opContinuation = websockettest.Continuation
	opText         = websockettest.Text
	opBinary       = websockettest.Binary
	opClose        = websockettest.Close
	opPing         = websockettest.Ping
	opPong         = websockettest.Pong
	final          = websockettest.Final
	reserved       = websockettest.Reserved
)

func text(payload string) frame { return websockettest.TextFrame(payload) }

// socket is the client's end of a websocket, on which a case sends and receives single frames. It
// reads all the time, so that a server never waits for a case that is sending, until stopReading.
type socket struct {
	*trial
	conn *websockettest.Conn

	received chan message   // closed at the end of the connection
	ended    error          // why received is closed
	reading  sync.WaitGroup // the reading goroutine

	limit   time.Duration // how long the server may wait before the next message
	timeout <-chan time.Time
	last    string // the payload that was sent last, for errors
}

// maxReceived is how many messages a socket buffers for its case.
const maxReceived = 1000

var errTimeout = errors.New("nothing came in time")

// startReading starts the reading goroutine.
func (s *socket) startReading() {
	_ = s.conn.SetReadDeadline(time.Time{})
	s.received = make(chan message, maxReceived)
	s.reading.Go(func() {
		defer close(s.received)
		for {
			m, err := receive(s.conn)
			if err != nil {
				s.ended = err
				return
			}
			select {
			case s.received <- m:
			case <-s.ctx.Done():
				s.ended = context.Cause(s.ctx)
				return
			}
		}
	})
}

// stopReading stops it, and shrinks the kernel's buffer.
func (s *socket) stopReading() {
	if s.err != nil {
		return
	}
	_ = s.conn.SetReadDeadline(time.Now())
	s.reading.Wait()
	if tcp, ok := s.conn.Conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4 << 10)
	}
}

// send sends frames in one write.
func (s *socket) send(frames ...frame) {
	if s.err == nil {
		s.last = frames[len(frames)-1].Payload
		s.write(websockettest.Encode(frames...))
	}
}

// trySend sends frames that the server may not read, since it may close the socket after the first.
func (s *socket) trySend(frames ...frame) {
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

// expect starts the timeout of the next message: the socket's limit plus the patience.
func (s *socket) expect() { s.timeout = time.After(s.limit + s.target.patience()) }

// read returns the next message that has arrived.
func (s *socket) read() (message, error) {
	select {
	case m, open := <-s.received:
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
