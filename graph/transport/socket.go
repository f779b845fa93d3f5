package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/semaphore"

	"github.com/99designs/gqlgen/graphql"

	"configapi/internal/budget"
	"configapi/internal/eventstream"
)

// socket is one websocket connection. Its own goroutine, run, reads; each stream has a goroutine; a writer lives while
// the queue is not empty; the timer runs none until it fires.
type socket struct {
	transport *Websocket
	exec      graphql.GraphExecutor
	reader    *websocket.Conn // parses what the peer sends; never written through
	conn      net.Conn
	raw       syscall.RawConn // of conn; nil: it can only be written to by waiting
	opened    time.Time
	heard     atomic.Int64 // when the peer sent something last, in ns since opened
	ctx       context.Context
	cancel    context.CancelFunc

	client    eventstream.Client
	answers   *budget.Budget      // of the answers to queries and mutations
	room      *semaphore.Weighted // bytes that streams may queue
	replyRoom *semaphore.Weighted // bytes that answers to the peer may queue
	slots     chan struct{}       // one for each stream whose goroutine runs, also when its id is free again
	running   sync.WaitGroup      // goroutines of streams
	writers   sync.WaitGroup      // the writer, be it one of the socket's own or a courier

	// What only the reader uses.
	initialised bool
	operations  context.Context // what streams inherit; as Init made it; nil before the acknowledgement

	mu           sync.Mutex // guards the following
	queue        []frame
	writing      bool // there is a writer
	closing      bool // nothing more goes into the queue
	acknowledged bool
	streams      map[string]*stream // :: id → its stream, until the last frame of it was sent
	timer        *time.Timer
	pinged       time.Time
}

func newSocket(t *Websocket, exec graphql.GraphExecutor, r *http.Request, reader *websocket.Conn, w *wire) *socket {
	s := &socket{
		transport: t,
		exec:      exec,
		reader:    reader,
		conn:      w.Conn,
		opened:    time.Now(),
		client:    eventstream.ClientOf(r.RemoteAddr),
		answers:   t.options.Room.connection(),
		room:      semaphore.NewWeighted(t.options.MaxQueuedBytes),
		replyRoom: semaphore.NewWeighted(t.options.MaxQueuedBytes),
		slots:     make(chan struct{}, 2*t.options.MaxStreams),
	}
	// The request's own context ends when its handler returns.
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	w.socket = s
	s.raw = rawOf(w.Conn)
	reader.SetReadLimit(s.initLimit())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.timer = time.AfterFunc(t.options.InitTimeout, s.tick)
	return s
}

// run serves the socket until its end, and returns when all its goroutines have ended.
func (s *socket) run() {
	defer s.transport.leave(s)
	s.read()
	s.writers.Wait()
	_ = s.conn.Close()
	s.running.Wait()
	s.leaveGroups()
}

// leaveGroups is for the streams that have no goroutine of their own to leave. The socket is closing, so none of them gets one.
func (s *socket) leaveGroups() {
	s.mu.Lock()
	streams := slices.Collect(maps.Values(s.streams))
	s.mu.Unlock()
	for _, st := range streams {
		s.transport.groups.leave(&st.member)
		s.forget(st)
	}
}

// read takes messages until the connection gives no more. While the socket closes, it reads on without looking.
func (s *socket) read() {
	defer s.recoverReader()
	for {
		kind, message, err := s.reader.NextReader()
		if err != nil {
			s.readFailed(err)
			return
		}
		if s.isClosing() {
			continue
		}
		if kind != websocket.TextMessage {
			s.close(websocket.CloseUnsupportedData, "messages must be text")
			continue
		}
		if err := s.receive(message); err != nil {
			s.close(err.Code, err.Reason)
		}
	}
}

// readFailed is told why gorilla reads no further.
func (s *socket) readFailed(err error) {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure {
		return // The peer's close frame. Ours is queued already, by gorilla's answer to it.
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		s.close(websocket.CloseMessageTooBig, s.tooBig()) // Gorilla does so itself, but not for lengths beyond 63 bits.
	}
	if !s.isClosing() {
		s.abort() // The connection broke.
		return
	}
	// Either the drain is over, and the next read fails at once, or gorilla has asked to close with 1002 or 1009 and parses
	// nothing after that.
	_, _ = io.Copy(io.Discard, s.conn)
}

// tooBig is what the peer is told about a message that is larger than it may be at the moment.
func (s *socket) tooBig() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.acknowledged {
		return fmt.Sprintf("a message before connection_ack must not be larger than %d bytes", s.initLimit())
	}
	return fmt.Sprintf("a message must not be larger than %d bytes", s.transport.options.MaxMessageBytes)
}

// initLimit is how many bytes a message may have before the connection is acknowledged.
func (s *socket) initLimit() int64 { return min(maxInitBytes, s.transport.options.MaxMessageBytes) }

func (s *socket) recoverReader() {
	value := recover()
	if value == nil {
		return
	}
	s.transport.options.Log.Error("websocket reader panicked", "panic", value, "stack", string(debug.Stack()))
	s.close(websocket.CloseInternalServerErr, "internal error")
	_, _ = io.Copy(io.Discard, s.conn)
}

func (s *socket) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// acknowledge begins the time of operations, unless the client was too late.
func (s *socket) acknowledge(operations context.Context) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.operations = operations
	s.acknowledged = true
	s.reader.SetReadLimit(s.transport.options.MaxMessageBytes)
	s.pinged = time.Now()
	s.timer.Reset(s.untilTick(s.pinged))
	return true
}

// tick is what the timer does: it ends sockets that were not acknowledged in time, drops silent peers, and pings the others.
func (s *socket) tick() {
	now := time.Now()
	s.mu.Lock()
	closing, acknowledged := s.closing, s.acknowledged
	s.mu.Unlock()
	switch {
	case closing:
	case !acknowledged:
		s.close(CloseInitTimeout, "Connection initialisation timeout")
	case s.silence(now) >= s.transport.options.SilenceTimeout:
		s.abort()
	default:
		s.ping(now)
	}
}

func (s *socket) ping(now time.Time) {
	s.mu.Lock()
	due := now.Sub(s.pinged) >= s.transport.options.PingInterval
	if due {
		s.pinged = now
	}
	if !s.closing {
		s.timer.Reset(s.untilTick(now))
	}
	s.mu.Unlock()
	// The timer must not wait. Without room the peer takes nothing, and the writer's deadline will end it.
	if f := textFrame(nil, pingMessage, nil, ""); due && s.replyRoom.TryAcquire(int64(len(f.head))) {
		f.room, f.weight = s.replyRoom, int64(len(f.head))
		if !s.push(f) {
			f.release()
		}
	}
}

// untilTick is the time until the next ping or the end of the peer's patience, whichever comes first. It needs s.mu.
func (s *socket) untilTick(now time.Time) time.Duration {
	untilPing := s.transport.options.PingInterval - now.Sub(s.pinged)
	untilDrop := s.transport.options.SilenceTimeout - s.silence(now)
	return max(min(untilPing, untilDrop), 0)
}

func (s *socket) silence(now time.Time) time.Duration {
	return now.Sub(s.opened) - time.Duration(s.heard.Load())
}
