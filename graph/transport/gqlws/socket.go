package gqlws

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/gorilla/websocket"

	"github.com/99designs/gqlgen/graphql"

	"configapi/graph/transport/fanout"
	"configapi/graph/transport/gqlmsg"
	"configapi/internal/budget"
	"configapi/internal/eventstream"
)

// socket is one websocket connection. Its own goroutine, run, reads; each operation has a goroutine
// unless its group serves it; what is sent goes through the outbox.
type socket struct {
	options *Options
	reader  *websocket.Conn // parses what the peer sends; never written through
	conn    net.Conn
	ctx     context.Context
	cancel  context.CancelFunc

	out        *outbox
	keepalive  *keepalive
	operations *operations

	initialised bool // for the reader alone
}

func newSocket(options *Options, groups *fanout.Groups, exec graphql.GraphExecutor, r *http.Request, reader *websocket.Conn, w *wire) *socket {
	s := &socket{options: options, reader: reader, conn: w.Conn}
	// The request's own context ends when its handler returns.
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(r.Context()))
	s.out = newOutbox(w.Conn, options, s.abort)
	s.operations = &operations{
		exec: exec, budgets: options.Budgets, groups: groups, answers: options.Budgets.Connection(), out: s.out,
		registry: newRegistry(options.rules.maxOperations, options.Budgets.Limit, eventstream.ClientOf(r.RemoteAddr)),
	}
	s.keepalive = &keepalive{
		pingInterval: options.rules.pingInterval, silenceTimeout: options.rules.silenceTimeout,
		onTimeout: func() { s.close(CloseInitTimeout, "Connection initialisation timeout") },
		onSilent:  s.abort,
		// Without quota the peer takes nothing, and the writer's deadline will end it.
		onPing: func() { s.out.tryReply(textFrame(nil, pingMessage, nil, "")) },
	}
	w.heard = s.keepalive.heard
	w.control = func(opcode byte, payload []byte) { s.out.reply(s.ctx, frame{opcode: opcode, head: string(payload)}) }
	w.closing = s.closeForGorilla
	reader.SetReadLimit(options.rules.initLimit())
	s.keepalive.start(options.rules.initTimeout)
	return s
}

// run serves the socket until its end, and returns when all its goroutines have ended.
func (s *socket) run() {
	s.read()
	s.operations.registry.stop()
	s.out.writers.Wait()
	_ = s.conn.Close()
	s.operations.registry.end()
}

// read takes messages until the connection gives no more. While the socket closes, it reads on
// and discards what comes.
func (s *socket) read() {
	defer s.recoverReader()
	for {
		kind, from, err := s.reader.NextReader()
		if err != nil {
			s.readFailed(err)
			return
		}
		if s.out.isClosing() {
			continue
		}
		if kind != websocket.TextMessage {
			s.close(websocket.CloseUnsupportedData, "messages must be text")
			continue
		}
		if err := s.receive(from); err != nil {
			s.close(err.Code, err.Reason)
		}
	}
}

// readFailed handles the error that ends gorilla's reading.
func (s *socket) readFailed(err error) {
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok && closed.Code != websocket.CloseAbnormalClosure {
		return // The peer's close frame. Ours is queued already, by gorilla's answer to it.
	}
	if errors.Is(err, websocket.ErrReadLimit) {
		// Gorilla does so itself, but not for lengths beyond 63 bits.
		s.close(websocket.CloseMessageTooBig, s.tooBig())
	}
	if !s.out.isClosing() {
		s.abort() // The connection broke.
		return
	}
	// Either the drain is over, and the next read fails at once, or gorilla has asked to close with
	// 1002 or 1009 and parses nothing after that.
	_, _ = io.Copy(io.Discard, s.conn)
}

func (s *socket) recoverReader() {
	value := recover()
	if value == nil {
		return
	}
	s.options.Log.Error("websocket reader panicked", "panic", value, "stack", string(debug.Stack()))
	s.close(websocket.CloseInternalServerErr, "internal error")
	_, _ = io.Copy(io.Discard, s.conn)
}

// close ends all operations and sends a close frame after what is queued. Only the first call
// counts. The reader ends when the peer has answered, or when the time to drain is over.
func (s *socket) close(code int, reason string) {
	s.keepalive.stop()
	s.operations.registry.stop()
	if s.out.close(closeFrame(code, reason)) {
		s.cancel()
	}
}

// closeForGorilla closes with the code that gorilla would send. Gorilla says nothing of a message
// that is too big.
func (s *socket) closeForGorilla(code int, reason string) {
	if code == websocket.CloseMessageTooBig {
		reason = s.tooBig()
	}
	s.close(code, reason)
}

// tooBig is the reason for a message that is larger than it may be at the moment. It is for the
// reader alone.
func (s *socket) tooBig() string {
	if s.operations.rights.Context == nil {
		return fmt.Sprintf("a message before connection_ack must not be larger than %d bytes", s.options.rules.initLimit())
	}
	return fmt.Sprintf("a message must not be larger than %d bytes", s.options.rules.maxMessageBytes)
}

// abort cuts the connection without a close frame, for peers that do not read.
func (s *socket) abort() {
	s.keepalive.stop()
	s.operations.registry.stop()
	s.out.discard()
	s.cancel()
	conn := belowTLS(s.conn) // closing TLS may first wait until the peer takes an alert
	// Without this the kernel would go on holding what the peer does not take.
	if tcp, ok := conn.(interface{ SetLinger(seconds int) error }); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func belowTLS(conn net.Conn) net.Conn {
	if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
		return secured.NetConn()
	}
	return conn
}

// messageBuffers keep the buffers of small messages for later ones.
var messageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func recycle(buffer *bytes.Buffer) {
	if buffer.Cap() <= smallMessage {
		buffer.Reset()
		messageBuffers.Put(buffer)
	}
}

// receive does what the client's message says. Its errors end the socket.
func (s *socket) receive(from io.Reader) *CloseError {
	buffer := messageBuffers.Get().(*bytes.Buffer)
	defer recycle(buffer)
	memory, err := readMessage(s.ctx, buffer, from, s.options.Budgets.Bodies, s.abort)
	defer memory.Release()
	if err != nil {
		refused, _ := errors.AsType[*CloseError](err)
		return refused // Any other error comes again with the next read, which says why.
	}
	m, refused := parseMessage(buffer.Bytes())
	if refused != nil {
		return refused
	}
	switch m.Type {
	case "connection_init":
		return s.receiveInit(&m)
	case "ping":
		return s.receivePing(&m)
	case "pong":
		return m.requireObject()
	case "subscribe":
		return s.receiveSubscribe(&m, memory)
	case "complete":
		id, refused := m.operationID()
		if refused == nil {
			s.operations.registry.complete(id)
		}
		return refused
	case "":
		return badRequest("Invalid message: it has no type")
	default:
		return badRequest("Invalid message: unknown type %.40q", m.Type)
	}
}

func (s *socket) receiveInit(m *clientMessage) *CloseError {
	if s.initialised {
		return &CloseError{CloseTooManyInits, "Too many initialisation requests"}
	}
	s.initialised = true
	payload, refused := m.object()
	if refused != nil {
		return refused
	}
	rights := fanout.Rights{Context: s.ctx}
	if s.options.Init != nil {
		var err error
		if rights, err = s.options.Init(s.ctx, s.operations.registry.client, payload); err != nil {
			return asCloseError(err)
		}
	}
	if !s.keepalive.acknowledge() {
		return nil // the timeout has closed the socket
	}
	s.operations.rights = rights
	s.reader.SetReadLimit(s.options.rules.maxMessageBytes)
	s.out.reply(s.ctx, textFrame(nil, ackMessage, nil, ""))
	if ctx := rights.Context; ctx != s.ctx {
		context.AfterFunc(ctx, func() { s.endRights(asCloseError(context.Cause(ctx))) })
	}
	return nil
}

// endRights closes the socket because its client's rights have ended. Frames that were not begun
// are dropped.
func (s *socket) endRights(reason *CloseError) {
	s.operations.over.Store(true)
	s.close(reason.Code, reason.Reason)
}

func (s *socket) receivePing(m *clientMessage) *CloseError {
	if refused := m.requireObject(); refused != nil {
		return refused
	}
	pong := textFrame(nil, pongMessage, nil, "")
	if m.Payload != nil {
		pong = textFrame(nil, `{"type":"pong","payload":`, m.Payload, "}")
	}
	s.out.reply(s.ctx, pong)
	return nil
}

// receiveSubscribe starts an operation, or refuses it. When its payload is no operation, its id
// stays free, and the other operations go on.
func (s *socket) receiveSubscribe(m *clientMessage, memory *budget.Shared) *CloseError {
	id, refused := m.operationID()
	if refused != nil {
		return refused
	}
	if s.operations.rights.Context == nil {
		return &CloseError{CloseUnauthorized, "Unauthorized"}
	}
	request, f := m.request()
	if f != nil {
		if s.operations.registry.isInUse(id) {
			return inUse(id)
		}
		s.out.reply(s.ctx, errorFrame(nil, id, f.List()))
		return nil
	}
	return s.start(newOperation(s.operations, id), request, memory)
}

// start has a goroutine run the operation, and waits while too many run.
func (s *socket) start(op *operation, request gqlmsg.Request, memory *budget.Shared) *CloseError {
	registry := s.operations.registry
	if refused, full := registry.claim(&op.entry); refused != nil || full != nil {
		if full != nil {
			s.out.reply(s.ctx, errorFrame(nil, op.id, full))
		}
		return refused
	}
	select {
	case registry.slots <- struct{}{}:
	case <-s.ctx.Done():
		return nil
	}
	memory.Retain()
	started := registry.start(s.operations.rights.Context, &op.entry, func(ctx context.Context) {
		defer func() { <-registry.slots }()
		defer memory.Release()
		op.run(ctx, request, memory)
	})
	if !started {
		memory.Release()
	}
	return nil
}
