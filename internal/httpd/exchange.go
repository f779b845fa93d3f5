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
	"strings"
	"time"

	"configapi/internal/auth"
	"configapi/internal/budget"
	"configapi/internal/excerpt"
	"configapi/internal/fault"
	"configapi/internal/origin"
	"configapi/internal/problem"
	"configapi/internal/requestid"
)

// progressBytes is how many bytes of an answer a client must take within one WriteTimeout.
const progressBytes = 64 << 10

// bufferedBytes is the size of the buffer in which net/http keeps a short answer until its end.
const bufferedBytes = 2 << 10

// The log shows this many bytes of a request's method and path.
const (
	maxLoggedMethod = 16
	maxLoggedPath   = 512
)

// ServeHTTP serves one request. It implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.exchange(w, r, func(e *exchange, r *http.Request) {
		if s.admit(e, r) && s.admitClient(e, r) && s.admitHeader(e, r) {
			s.route(e, r)
		}
	})
}

// exchange has answer serve one request, within the bounds of all requests.
func (s *Server) exchange(w http.ResponseWriter, r *http.Request, answer func(*exchange, *http.Request)) {
	conn := connInfoOf(r.Context())
	if conn == nil || isMultiplexed(r) { // nil: tests use the server as a handler
		conn = conn.ofRequest()
		r = r.WithContext(conn.context(r.Context()))
	}
	id := s.ids.of(r.Header)
	e := &exchange{ResponseWriter: w, server: s, conn: conn.tracked, proof: conn.proof, request: r, start: time.Now(), id: id}
	conn.header.complete()
	defer conn.header.release()
	conn.id.Set(&id) // not &e.id, which would keep the exchange of an idle connection
	if r.ContentLength != 0 {
		r = r.WithContext(r.Context()) // a copy: net/http drains the body of its own request
		e.body = openBody(e, r)
		r.Body = e.body
	}
	defer e.finish(r)
	s.identify(e, r, conn)
	answer(e, r)
}

// exchange is one request and its answer. It is the [http.ResponseWriter] that handlers get, and it
// counts what was written.
type exchange struct {
	http.ResponseWriter
	server   *Server
	conn     *trackedConn    // nil: that of a test
	proof    *lastProof      // of the connection
	request  *http.Request   // before its body was replaced
	decision origin.Decision // of the guard, on the request's origin
	proxied  bool            // a proxy of Options.Proxies has sent it
	counted  bool            // of its client, by Server.clients
	caller   string          // its name; "": not known
	varies   bool            // the answer depends on the caller
	quiet    bool            // no line, since the refusal of the request has none
	id       string
	start    time.Time
	status   int // 0: no status yet
	bytes    int64
	deadline time.Time           // of the write; zero: not set yet
	body     *body               // nil: none
	header   *budget.Reservation // of a long header of HTTP/2; nil: none
	rate     minRate
	cutOff   bool     // a write deadline has expired
	discard  bool     // drop what the handler still writes
	hijacked net.Conn // nil: net/http owns the connection
}

// Unwrap implements the interface of [http.ResponseController].
func (e *exchange) Unwrap() http.ResponseWriter { return e.ResponseWriter }

func (e *exchange) WriteHeader(status int) {
	if e.discard {
		return
	}
	if status >= http.StatusOK {
		e.setStatus(status) // net/http sends the header with the first bytes, or at the end
	} else {
		e.renewDeadline(time.Now())
	}
	e.ResponseWriter.WriteHeader(status)
}

func (e *exchange) Write(p []byte) (int, error) {
	n := 0
	for {
		if e.discard {
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

// WriteString implements [io.StringWriter]. It saves the copy of a value to a byte slice.
func (e *exchange) WriteString(s string) (int, error) {
	n := 0
	for {
		if e.discard {
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

// Flush implements [http.Flusher].
func (e *exchange) Flush() { _ = e.FlushError() }

// FlushError sends what is buffered. It begins a stream, so it releases the memory of the body:
// streams have a budget of their own.
func (e *exchange) FlushError() error {
	if e.discard {
		return nil
	}
	e.setStatus(http.StatusOK)
	e.renewDeadline(time.Now())
	e.body.release()
	err := http.NewResponseController(e.ResponseWriter).Flush()
	e.wrote(0, err)
	return err
}

// Hijack implements [http.Hijacker], which websocket packages look for.
func (e *exchange) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(e.ResponseWriter).Hijack()
	if err == nil {
		e.status, e.hijacked = http.StatusSwitchingProtocols, conn
	}
	return conn, buffered, err
}

// beforeWrite prepares a write of so many bytes. An answer that fits into the buffer of net/http
// gets its deadline in finish.
func (e *exchange) beforeWrite(bytes int) {
	e.setStatus(http.StatusOK)
	if e.bytes+int64(bytes) > bufferedBytes {
		e.renewDeadline(time.Now())
	}
}

// setStatus records the first status and completes the headers. The handler must not have sent them
// yet.
func (e *exchange) setStatus(status int) {
	if e.status != 0 {
		return
	}
	e.status = status
	h := e.Header()
	e.rate.begin(h)
	byLines := e.conn != nil && !e.conn.secured
	if e.varies && !byLines {
		setCallerHeaders(h)
	}
	if status == http.StatusUnauthorized && h[wwwAuthenticate] == nil {
		h[wwwAuthenticate] = rejectedToken // the token has ended while the request was served
	}
	e.server.opts.Guard.SetHeaders(h, e.request, e.decision)
	if isMultiplexed(e.request) {
		delete(h, "Connection") // it would end the other requests' connection
	}
	if byLines {
		e.sendLines(h)
	} else {
		h[requestid.Header] = []string{e.id}
	}
}

// renewDeadline extends the write deadline by WriteTimeout, but not beyond the deadline of the
// whole answer. It keeps a deadline of which more than three quarters are left. net/http removes
// the deadline after the answer.
func (e *exchange) renewDeadline(now time.Time) {
	timeout := e.server.opts.WriteTimeout
	whole := e.rate.deadline(now, e.bytes)
	left := e.deadline.Sub(now)
	if timeout*3/4 < left && left <= timeout && (whole.IsZero() || !whole.Before(e.deadline)) {
		return
	}
	if e.body != nil && e.body.deadline.After(now) {
		now = e.body.deadline // net/http first drains the rest of the body
	}
	e.deadline = now.Add(timeout)
	if !whole.IsZero() && whole.Before(e.deadline) {
		e.deadline = whole
	}
	if conn, ok := e.ResponseWriter.(interface{ SetWriteDeadline(time.Time) error }); ok {
		// fails only when the connection is hijacked or closed
		_ = conn.SetWriteDeadline(e.deadline)
	}
}

// wrote counts bytes and records an expired deadline.
func (e *exchange) wrote(n int, err error) {
	if e.bytes += int64(n); e.bytes >= progressBytes {
		e.rate.last = time.Now()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) && !e.cutOff {
		e.cutOff = true
		e.server.opts.Metrics.refused(refusedSlowReader)
	}
}

// finish answers for a handler that panicked, and logs the request. It must be deferred itself,
// since it calls recover.
func (e *exchange) finish(r *http.Request) {
	failure := recover()
	if failure != nil && failure != http.ErrAbortHandler {
		e.server.opts.Log.LogAttrs(context.Background(), slog.LevelError, "panic while answering a request",
			slog.String("request_id", e.id), slog.String("panic", fmt.Sprint(failure)), slog.String("stack", string(debug.Stack())))
		if e.status == 0 {
			e.answerPanic()
			failure = nil
		}
	}
	if failure == nil {
		e.setStatus(http.StatusOK) // the default of net/http
	}
	e.body.release()
	e.leave(r)
	if e.header != nil {
		e.header.Release()
	}
	now := time.Now()
	if e.hijacked == nil {
		e.renewDeadline(now) // for the bytes that net/http has buffered
	}
	e.log(r, now, failure != nil)
	e.server.opts.Metrics.answered(r.URL.Path, e.status)
	switch {
	case failure == nil:
	case e.hijacked != nil:
		_ = e.hijacked.Close()
	default:
		// cuts the connection, so that a partial answer does not look complete
		panic(http.ErrAbortHandler)
	}
}

func (e *exchange) answerPanic() {
	clear(e.Header())                     // they belong to another answer
	e.Header().Set("Connection", "close") // the handler may have read a part of the body
	problem.Problem{Kind: fault.Internal, RequestID: e.id,
		Detail: fault.InternalMessage}.Write(e)
}

// log writes the log line of a request. The line has the path, and with it names of configs, but
// neither values nor the query.
func (e *exchange) log(r *http.Request, now time.Time, aborted bool) {
	if e.quiet {
		return
	}
	log, ctx := e.server.opts.Log, context.Background()
	level := slog.LevelInfo
	if e.status >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	// without the caller's position, whose look-up costs more than the rest: see
	// BenchmarkServer/get,_logged
	record := slog.NewRecord(now, level, "request", 0)
	var space [9]slog.Attr
	attrs := append(space[:0],
		slog.String("method", logged(r.Method, maxLoggedMethod)),
		// escaped: without control characters
		slog.String("path", loggedPath(r)),
		slog.Int("status", e.status),
		slog.Int64("bytes", e.bytes),
		slog.Duration("duration", now.Sub(e.start)),
		slog.String("request_id", e.id),
		slog.String("remote", r.RemoteAddr),
	)
	if e.caller != "" {
		attrs = append(attrs, slog.String("actor", e.caller))
	}
	if aborted {
		attrs = append(attrs, slog.Bool("aborted", true))
	}
	record.AddAttrs(attrs...)             // once, since each call may copy what is there
	_ = log.Handler().Handle(ctx, record) // there is no other place to report it
}

// loggedPath returns the path of a request for the log. A client may send a whole secret by
// mistake, above all at /secrets/, where a public id is expected: there a mistyped one is not shown
// either.
func loggedPath(r *http.Request) string {
	path := r.URL.EscapedPath()
	const longest = len("/v1/secrets/cfg_") + 22 // of a public id
	if len(path) > longest && strings.Contains(path[:longest], "/secrets/") {
		path = path[:longest] + "…"
	}
	return logged(path, maxLoggedPath)
}

// logged returns a text of a request for the log: its beginning, and no secret.
func logged(text string, most int) string { return excerpt.Of(auth.HideSecrets(text), most) }
