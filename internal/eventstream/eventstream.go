// Package eventstream answers HTTP requests with streams of server-sent events (text/event-stream
// in the HTML standard).
//
// [Stream.Send] returns when an event is on its way to the client. A caller that makes the next
// event only then runs at the client's pace and holds one event at a time. Comments keep an idle
// connection alive. The server's write deadline cuts off a client that takes nothing; a write that
// fails ends the context of its stream.
//
// [Streams] are the streams that have no end of their own: they end when the server stops. A
// [Limit] bounds how many there are.
//
// The edges decide what events say, and where a client that reconnects goes on.
package eventstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrStopped says that a stream may not begin, since [Streams.Shutdown] was called.
var ErrStopped = errors.New("the server is shutting down")

// Streams are the endless streams of a server. They are safe for concurrent use.
type Streams struct {
	mu      sync.Mutex // guards the following
	running sync.WaitGroup
	present context.Context // of the streams that are open
	end     context.CancelFunc
	stopped bool // no stream may begin any more
}

// NewStreams returns streams of which none has begun.
func NewStreams() *Streams {
	s := new(Streams)
	s.present, s.end = context.WithCancel(context.Background())
	return s
}

// Begin returns the context of a new stream, which ends with ctx, with [Streams.EndAll], with
// [Streams.Shutdown] and with end. The caller must call end when the stream is over. ok is false
// after Shutdown; then no stream has begun.
func (s *Streams) Begin(ctx context.Context) (streaming context.Context, end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil, nil, false
	}
	s.running.Add(1)
	streaming, cancel := context.WithCancel(ctx)
	forget := context.AfterFunc(s.present, cancel)
	return streaming, func() {
		forget()
		cancel()
		s.running.Done()
	}, true
}

// BeginFrom is [Streams.Begin] for a client, whose streams a limit bounds. The error is
// [ErrStopped], [ErrTooMany] or [ErrTooManyOfAddress].
func (s *Streams) BeginFrom(ctx context.Context, limit *Limit, c Client) (streaming context.Context, end func(), err error) {
	if err := limit.Open(c); err != nil {
		return nil, nil, err
	}
	streaming, over, ok := s.Begin(ctx)
	if !ok {
		limit.Close(c)
		return nil, nil, ErrStopped
	}
	return streaming, func() {
		over()
		limit.Close(c)
	}, nil
}

// EndAll ends the contexts of all open streams. Their clients may reconnect at once.
func (s *Streams) EndAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.present, s.end = context.WithCancel(context.Background())
}

// Shutdown lets no stream begin any more, ends the contexts of the open ones, and waits until they
// are over. When ctx ends first, it returns the error of ctx.
func (s *Streams) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	s.stopped = true
	s.end()
	s.mu.Unlock()
	over := make(chan struct{})
	go func() {
		defer close(over)
		s.running.Wait()
	}()
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for event streams to end: %w", ctx.Err())
	}
}
