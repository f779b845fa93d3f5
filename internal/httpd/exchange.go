package httpd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"configapi/internal/fault"
	"configapi/internal/origin"
	"configapi/internal/problem"
	"configapi/internal/requestid"
)

// progressBytes is how much of an answer has to go out within one WriteTimeout.
const progressBytes = 64 << 10

// heldBack is up to how many bytes net/http sends nothing of an answer before its end.
const heldBack = 2 << 10

// ServeHTTP serves one request, whatever becomes of it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := connOf(r.Context())
	if conn == nil { // the server is used as a handler alone
		conn = new(connState)
		r = r.WithContext(conn.context(r.Context()))
	}
	e := &exchange{ResponseWriter: w, server: s, request: r, start: time.Now(), conn: conn, id: &[1]string{s.ids.of(r.Header)}}
	conn.head.begin()
	defer conn.head.end()
	w.Header()[requestid.Header] = e.id[:]
	conn.id.Set(&e.id[0])
	if r.ContentLength != 0 {
		r = r.WithContext(r.Context()) // a copy: net/http looks at its own request's body when it answers
		e.body = openBody(e, r)
		r.Body = e.body
	}
	defer e.end(r)
	if s.admit(e, r) {
		s.route(e, r)
	}
}

// exchange is one request and its answer. It is the [http.ResponseWriter] of the handlers, and knows what went out.
type exchange struct {
	http.ResponseWriter
	server   *Server
	request  *http.Request  // as it came
	verdict  origin.Verdict // about the page that it comes from
	id       *[1]string     // as a header has it
	start    time.Time
	conn     *connState
	status   int // 0: nothing is decided yet
	bytes    int64
	armed    bool  // the connection has the deadline
	body     *body // nil: there is none
	pace     pace
	cutOff   bool     // the client took the answer too slowly
	done     bool     // what the handler still writes is dropped
	hijacked net.Conn // nil: the connection is still the server's
}

// Unwrap is for [http.ResponseController].
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func (e *exchange) WriteHeader(status int) {
	if e.done {
		return
	}
	if status >= http.StatusOK {
		e.decide(status) // the header is sent with the first bytes, or at the end
	} else {
		e.renewDeadline(time.Now())
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *exchange) Write(p []byte) (int, error) {
	n := 0
	for {
		if e.done {
			return len(p), nil
		}
		piece := p[n:min(len(p), n+progressBytes)]
		e.beforeWrite(len(piece))
		written, err := e.ResponseWriter.Write(piece)
		e.wrote(written, err)
		if n += written; err != nil || n >= len(p) {
			return n, err
		}
	}
}

// WriteString spares a value the copy that a slice of bytes would take.
func (e *exchange) WriteString(s string) (int, error) {
	n := 0
	for {
		if e.done {
			return len(s), nil
		}
		piece := s[n:min(len(s), n+progressBytes)]
		e.beforeWrite(len(piece))
		written, err := io.WriteString(e.ResponseWriter, piece)
		e.wrote(written, err)
		if n += written; err != nil || n >= len(s) {
			return n, err
		}
	}
}

// Flush makes the exchange an [http.Flusher] for those who do not use [http.ResponseController].
func (e *exchange) Flush() { _ = e.FlushError() }

// FlushError sends what is buffered.
func (e *exchange) FlushError() error {
	if e.done {
		return nil
	}
	e.decide(http.StatusOK)
	e.renewDeadline(time.Now())
	e.body.release() // a stream begins, and has its own bounds
	err := http.NewResponseController(e.ResponseWriter).Flush()
	e.wrote(0, err)
	return err
}

// Hijack makes the exchange an [http.Hijacker], which the usual websocket packages look for.
func (e *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err == nil {
		e.status, e.hijacked = http.StatusSwitchingProtocols, conn
	}
	return conn, buffered, err
}

// beforeWrite prepares for a write of so many bytes. The deadline of an answer that net/http holds
// back until its end is set at the end.
func (e *exchange) beforeWrite(bytes int) {
	e.decide(http.StatusOK)
	if e.bytes+int64(bytes) > heldBack {
		e.renewDeadline(time.Now())
	}
}

// decide takes note of the status when there is none yet, and completes the headers.
func (e *exchange) decide(status int) {
	if e.status != 0 {
		return
	}
	e.status = status
	e.pace.begin(e.Header())
	e.server.opts.Guard.Describe(e.Header(), e.request, e.verdict)
}

// renewDeadline gives the client a new WriteTimeout, when a good part of the last one is over, but
// not more than the answer as a whole has.
func (e *exchange) renewDeadline(now time.Time) {
	timeout := e.server.opts.WriteTimeout
	whole := e.pace.deadline(now, e.bytes)
	left := e.conn.deadline.Sub(now)
	if timeout*3/4 < left && left <= timeout && (whole.IsZero() || !whole.Before(e.conn.deadline)) {
		e.setDeadline()
		return
	}
	if e.body != nil && e.body.deadline.After(now) {
		now = e.body.deadline // the server first waits for what the handler has left of the body, and then sends
	}
	e.conn.deadline = now.Add(timeout)
	if !whole.IsZero() && whole.Before(e.conn.deadline) {
		e.conn.deadline = whole
	}
	e.armed = false
	e.setDeadline()
}

// setDeadline sets the deadline for writes, unless this request has set it before: net/http takes
// it off after each request. One that the connection has had is set for next to nothing.
func (e *exchange) setDeadline() {
	if e.armed {
		return
	}
	e.armed = true
	if conn, ok := e.ResponseWriter.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = conn.SetWriteDeadline(e.conn.deadline) // fails when the connection is hijacked, and then it is not ours
	}
}

// wrote takes note of bytes that went out, or of why they did not.
func (e *exchange) wrote(n int, err error) {
	if e.bytes += int64(n); e.bytes >= progressBytes {
		e.pace.last = time.Now()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && !e.cutOff {
		e.cutOff = true
		e.server.opts.Metrics.refused(refusedSlowReader)
	}
}

// end answers for a handler that panicked, and writes the line of the log. It must be deferred itself: only so may it
// recover.
func (e *exchange) end(r *http.Request) {
	failure := recover()
	if failure != nil && failure != http.ErrAbortHandler {
		e.server.opts.Log.LogAttrs(context.Background(), slog.LevelError, "panic while answering a request",
			slog.String("request_id", e.id[0]), slog.String("panic", fmt.Sprint(failure)), slog.String("stack", string(debug.Stack())))
		if e.status == 0 {
			e.answerPanic()
			failure = nil
		}
	}
	if failure == nil {
		e.decide(http.StatusOK) // as net/http answers for a handler that says nothing
	}
	e.body.release()
	now := time.Now()
	if e.hijacked == nil {
		e.renewDeadline(now) // for what net/http has held back
	}
	e.log(r, now, failure != nil)
	e.server.opts.Metrics.answered(r.URL.Path, e.status)
	switch {
	case failure == nil:
	case e.hijacked != nil:
		_ = e.hijacked.Close()
	default:
		panic(http.ErrAbortHandler) // cuts the connection: half an answer must not look like a whole one
	}
}

func (e *exchange) answerPanic() {
	for name := range e.Header() { // they were meant for another answer
		if name != requestid.Header {
			delete(e.Header(), name)
		}
	}
	e.Header().Set("Connection", "close") // in which state the handler left the body is not known
	problem.Problem{Kind: fault.Internal, RequestID: e.id[0],
		Detail: "something went wrong here; the request id leads to the details in the server's log"}.Write(e)
}
