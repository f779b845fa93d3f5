package httpd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"configapi/internal/origin"
	"configapi/internal/problem"
	"configapi/internal/requestid"
)

// progressBytes is how much of an answer has to go out within one WriteTimeout.
const progressBytes = 64 << 10

// ServeHTTP serves one request, whatever becomes of it.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := &exchange{ResponseWriter: w, server: s, request: r, start: time.Now()}
	if e.deadline = connDeadline(r.Context()); e.deadline == nil {
		e.deadline = new(time.Time)
	}
	e.id[0] = s.ids.of(r.Header)
	w.Header()[requestid.Header] = e.id[:]
	r = r.WithContext(requestid.With(r.Context(), e.id[0]))
	if r.ContentLength != 0 {
		e.body = body{r.Body, e.start.Add(s.opts.BodyTimeout)}
		r.Body = &e.body
		if conn, ok := w.(interface{ SetReadDeadline(time.Time) error }); ok {
			_ = conn.SetReadDeadline(e.body.deadline) // fails only on a connection that is gone
		}
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
	id       [1]string      // as a header has it
	start    time.Time
	deadline *time.Time // of the connection, for the next bytes of an answer; shared by the requests that follow one another
	status   int        // 0: nothing is decided yet
	bytes    int64
	body     body
	hijacked net.Conn // nil: the connection is still the server's
}

// Unwrap is for [http.ResponseController].
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func (e *exchange) WriteHeader(status int) {
	if status >= http.StatusOK {
		e.decide(status)
	}
	e.renewDeadline()
	e.ResponseWriter.WriteHeader(status)
}

func (e *exchange) Write(p []byte) (int, error) {
	n := 0
	for {
		piece := p[n:min(len(p), n+progressBytes)]
		e.beforeWrite()
		written, err := e.ResponseWriter.Write(piece)
		e.bytes += int64(written)
		if n += written; err != nil || n >= len(p) {
			return n, err
		}
	}
}

// WriteString spares a value the copy that a slice of bytes would take.
func (e *exchange) WriteString(s string) (int, error) {
	n := 0
	for {
		piece := s[n:min(len(s), n+progressBytes)]
		e.beforeWrite()
		written, err := io.WriteString(e.ResponseWriter, piece)
		e.bytes += int64(written)
		if n += written; err != nil || n >= len(s) {
			return n, err
		}
	}
}

// Flush makes the exchange an [http.Flusher] for those who do not use [http.ResponseController].
func (e *exchange) Flush() { _ = e.FlushError() }

// FlushError sends what is buffered.
func (e *exchange) FlushError() error {
	e.beforeWrite()
	return http.NewResponseController(e.ResponseWriter).Flush()
}

// Hijack makes the exchange an [http.Hijacker], which the usual websocket packages look for.
func (e *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err == nil {
		e.status, e.hijacked = http.StatusSwitchingProtocols, conn
	}
	return conn, buffered, err
}

func (e *exchange) beforeWrite() {
	e.decide(http.StatusOK)
	e.renewDeadline()
}

// decide takes note of the status when there is none yet, and completes the headers.
func (e *exchange) decide(status int) {
	if e.status != 0 {
		return
	}
	e.status = status
	e.server.opts.Guard.Describe(e.Header(), e.request, e.verdict)
}

// renewDeadline gives the client a new WriteTimeout, when a good part of the last one is over.
func (e *exchange) renewDeadline() {
	timeout := e.server.opts.WriteTimeout
	now := time.Now()
	if left := e.deadline.Sub(now); timeout*3/4 < left && left <= timeout {
		return
	}
	if e.body.deadline.After(now) {
		now = e.body.deadline // the server first waits for what the handler has left of the body, and then sends
	}
	*e.deadline = now.Add(timeout)
	if conn, ok := e.ResponseWriter.(interface{ SetWriteDeadline(time.Time) error }); ok {
		_ = conn.SetWriteDeadline(*e.deadline) // fails when the connection is hijacked, and then it is not ours
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
	e.log(r, failure != nil)
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
	problem.Problem{Status: http.StatusInternalServerError, Code: problem.Internal, RequestID: e.id[0],
		Detail: "something went wrong here; the request id leads to the details in the server's log"}.Write(e)
}

// body is the body of a request, and knows whether all of it has come. The server takes the deadline off the connection
// then, so that whatever follows may take its time.
type body struct {
	io.ReadCloser
	deadline time.Time // zero: all of it has come, or there is none
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.deadline = time.Time{}
	}
	return n, err
}
