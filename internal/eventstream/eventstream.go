// Package eventstream answers HTTP requests with streams of server-sent events (text/event-stream in the HTML standard).
//
// An event is on its way to the client when [Stream.Send] returns. Who makes the next one only then goes at the client's pace, and
// holds nothing for it. Comments keep a connection alive on which nothing happens. A client that takes nothing is for
// the server's write deadline to cut off; a write that fails ends the context of its stream.
//
// [Streams] are those that would go on for ever: they end when the server stops.
//
// What events say, and where a client that comes back goes on, is for the edges.
package eventstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrStopped is why a stream may not begin after [Streams.Shutdown].
var ErrStopped = errors.New("the server is shutting down")

// Streams are the endless streams of a server.
type Streams struct {
	mu      sync.Mutex // guards the following
	running sync.WaitGroup
	present context.Context // of the streams that are there
	end     context.CancelFunc
	stopped bool // no stream begins any more
}

// NewStreams returns streams of which none has begun.
func NewStreams() *Streams {
	s := new(Streams)
	s.present, s.end = context.WithCancel(context.Background())
	return s
}

// Begin returns the context of a new stream, which ends with ctx, with [Streams.EndAll] and [Streams.Shutdown], and with end, which is
// to be called when the stream is over. It is not ok after Shutdown.
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

// EndAll ends the context of all streams that are there. Their clients may come back at once.
func (s *Streams) EndAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.present, s.end = context.WithCancel(context.Background())
}

// Shutdown lets no stream begin any more, ends the context of those that are there, and waits until they are over, or ctx is.
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
