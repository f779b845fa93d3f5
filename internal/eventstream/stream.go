package eventstream

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ContentType is the media type of a stream.
const ContentType = "text/event-stream"

// DefaultCommentInterval is the time between two comments. The usual proxies close connections that
// are idle for a minute.
const DefaultCommentInterval = 15 * time.Second

// comment is a line that clients ignore, and the end of an empty event, for clients that read event
// by event.
const comment = ":\n\n"

// Event is one event.
type Event struct {
	// Type is the name that clients listen for. "": the event is a comment, which they ignore.
	Type string
	// ID is what a client that reconnects sends as Last-Event-ID. "": the ID before stays in force.
	ID string
	// Data is text without line breaks, such as JSON. It may be empty.
	Data []byte
	// Rest is what follows Data in the same event.
	Rest [][]byte
	// Sent is called for each piece of Data and Rest that is on its way to the client, with its
	// length. nil: it is not called.
	Sent func(bytes int64)
}

// Stream is one answer that is streamed.
type Stream struct {
	interval time.Duration
	end      context.CancelFunc // of the stream's context
	cut      atomic.Bool

	mu       sync.Mutex // guards the following, and is held during writes
	w        http.ResponseWriter
	comments *time.Timer
	over     error // why nothing more may be written; nil: it may
}

// pieceBytes is how much of an event is written at a time.
const pieceBytes = 64 << 10

var errCut = errors.New("the event stream was cut off: others needed its memory")

var errClosed = errors.New("the event stream is closed")

// SetHeader sets the headers of a stream. They ask caches not to store it, and proxies not to
// buffer it.
func SetHeader(h http.Header) {
	h.Set("Content-Type", ContentType+"; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	h.Set("X-Accel-Buffering", "no") // nginx buffers answers otherwise
}

// Open begins a stream. It sends the headers and a comment at once, so that the client sees the
// stream open, and then a comment in each interval. The context that it returns ends with ctx, when
// a write fails, and with [Stream.Close], which the caller must call.
func Open(ctx context.Context, w http.ResponseWriter, interval time.Duration) (*Stream, context.Context) {
	ctx, end := context.WithCancel(ctx)
	s := &Stream{interval: interval, end: end, w: w}
	SetHeader(w.Header())
	w.WriteHeader(http.StatusOK)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.comments = time.AfterFunc(interval, s.keepAlive)
	_ = s.write(Event{}) // when it fails, the context has ended
	return s, ctx
}

// Send writes an event, and returns when it is on its way to the client. After an error nothing can
// be sent any more.
func (s *Stream) Send(e Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.write(e)
}

// Cut ends the stream at once, also while an event is being sent: its client takes too little. It
// does not wait. It may be called from any goroutine, but not after [Stream.Close].
func (s *Stream) Cut() {
	s.cut.Store(true)
	// A write that blocks fails then. An error means that the connection is closed.
	_ = http.NewResponseController(s.w).SetWriteDeadline(time.Now())
	s.end()
}

// Close ends the stream. It writes nothing more to the answer.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.giveUp(errClosed)
}

func (s *Stream) keepAlive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.write(Event{}) == nil {
		s.comments.Reset(s.interval)
	}
}

// write writes an event and flushes it. It needs s.mu.
func (s *Stream) write(e Event) error {
	if s.over != nil {
		return s.over
	}
	err := e.writeTo(s.w, &s.cut)
	if err == nil {
		err = http.NewResponseController(s.w).Flush()
	}
	if err != nil {
		s.giveUp(err)
	}
	return err
}

func (s *Stream) giveUp(err error) {
	s.over = err
	s.comments.Stop()
	s.end()
}

func (e Event) writeTo(w io.Writer, cut *atomic.Bool) error {
	if e.Type == "" {
		_, err := io.WriteString(w, comment)
		return err
	}
	head := "event: " + e.Type + "\n"
	if e.ID != "" {
		head += "id: " + e.ID + "\n"
	}
	if _, err := io.WriteString(w, head+"data: "); err != nil {
		return err
	}
	if err := e.writeData(w, e.Data, cut); err != nil {
		return err
	}
	for _, part := range e.Rest {
		if err := e.writeData(w, part, cut); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "\n\n")
	return err
}

// writeData writes a part of the data piece by piece, until the stream is cut.
func (e Event) writeData(w io.Writer, part []byte, cut *atomic.Bool) error {
	for piece := range slices.Chunk(part, pieceBytes) {
		if cut.Load() {
			return errCut
		}
		if _, err := w.Write(piece); err != nil {
			return err
		}
		if e.Sent != nil {
			e.Sent(int64(len(piece)))
		}
	}
	return nil
}
