package httpd

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"configapi/internal/budget"
	"configapi/internal/content"
	"configapi/internal/fault"
	"configapi/internal/problem"
)

// bodyStep is the step in which the reservation of a small body grows. The first bytes of a
// connection fit into the read buffer of net/http, so a body of this size needs no reservation.
const bodyStep = 4 << 10

// body is the body of a request. Its memory is reserved as bytes arrive, not as Content-Length
// announces them. When the budget is used up, reading waits for at most 2 s; the slowest body is
// cut.
type body struct {
	io.ReadCloser
	exchange *exchange
	deadline time.Time // zero: the body is complete
	read     int64
	err      error // the error of all further reads

	receiving budget.Reservation // while the body arrives; opened when it grows
	charged   int64              // bytes of receiving
	received  budget.Reservation // replaces receiving once the body is complete

	mu    sync.Mutex // guards ended
	ended bool       // the body is complete or the request answered: it must not be cut any more
}

// errBodyTooLarge is the error that handlers know from [http.MaxBytesReader].
var errBodyTooLarge = &http.MaxBytesError{Limit: budget.MaxBodyBytes}

// openBody returns the body that replaces the request's own.
func openBody(e *exchange, r *http.Request) *body {
	b := &body{ReadCloser: r.Body, exchange: e, deadline: e.start.Add(e.server.opts.BodyTimeout)}
	b.setDeadline(b.deadline)
	return b
}

func (b *body) setDeadline(deadline time.Time) {
	if conn, ok := b.exchange.ResponseWriter.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = conn.SetReadDeadline(deadline) // fails only when the connection is closed
	}
}

// Read reserves memory, then reads. At the end of the body it removes the read deadline: the time
// after that belongs to the handler.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if b.read < bodyStep {
		p = p[:min(int64(len(p)), bodyStep-b.read)]
	} else if err := b.charge(&p); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	b.receiving.Sent(int64(n))
	switch {
	case b.read > budget.MaxBodyBytes:
		b.refuse(refusedBodySize, errBodyTooLarge)
		return n, b.err
	case err == io.EOF:
		b.deadline = time.Time{}
		b.complete()
	case err != nil && b.receiving.IsCut():
		b.refuse(refusedBodyBudget, err)
	}
	return n, err
}

// charge reserves memory for the next read and shortens p to it. A body of unknown length reserves
// as much as a large one from its first bytes on: otherwise many of them would fill the part of the
// budget that is for small bodies.
func (b *body) charge(p *[]byte) error {
	if b.read >= b.charged {
		grow := int64(budget.SmallBodyBytes)
		if announced := b.exchange.request.ContentLength; 0 <= announced && announced < budget.SmallBodyBytes {
			grow = min(b.read+bodyStep, announced) - b.charged
		}
		if b.charged == 0 {
			b.open()
		}
		if err := b.receiving.Grow(b.exchange.request.Context(), grow); err != nil {
			b.refuse(refusedBodyBudget, err)
			return b.err
		}
		if b.charged == 0 {
			b.receiving.Sending(b.cut)
		}
		b.charged += grow
	}
	if left := b.charged - b.read; int64(len(*p)) > left {
		*p = (*p)[:left]
	}
	return nil
}

// open opens the reservations. Small bodies do without: the budget is one for all requests, so its
// memory moves from processor to processor.
func (b *body) open() {
	bodies := b.exchange.server.opts.Bodies
	bodies.Open(&b.receiving)
	bodies.Open(&b.received)
	b.receiving.Sent(b.read)
}

// cut ends the reading at once. The budget calls it from another goroutine.
func (b *body) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.setDeadline(time.Unix(1, 0))
	}
}

// end prevents any later cut.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended && b.receiving.IsCut() {
		b.setDeadline(time.Time{}) // the body was cut when it was complete
	}
	b.ended = true
}

// complete keeps the memory of a complete body reserved until the request is answered.
func (b *body) complete() {
	if b.charged == 0 {
		return
	}
	b.end()
	b.received.Force(b.charged)
	b.receiving.Release()
}

// refuse ends the reading with an error and answers the request, since handlers do not know this
// error.
func (b *body) refuse(why refusal, err error) {
	b.err = err
	b.exchange.server.opts.Metrics.refused(why)
	b.exchange.bodyFailed(err)
}

// release releases the memory. It may be called several times, also on a nil body.
func (b *body) release() {
	if b == nil || b.charged == 0 {
		return
	}
	b.end()
	b.receiving.Release()
	b.received.Release()
}

// bodyFailed answers the request when its body is too large or has no memory. What the handler
// writes after that is discarded.
func (e *exchange) bodyFailed(err error) {
	if e.status != 0 || errors.Is(err, context.Canceled) {
		return
	}
	e.Header().Set("Connection", "close")
	if err == errBodyTooLarge {
		answerTooLarge(e)
	} else {
		problem.Problem{Kind: fault.Unavailable, RequestID: e.id,
			Detail: "the server has no memory left for the body of this request at the moment; send it again later"}.Write(e)
	}
	e.discard = true
}

// isTooLarge reports whether a request announces a body that is larger than any may be.
func isTooLarge(r *http.Request) bool { return r.ContentLength > budget.MaxBodyBytes }

// refuseSize answers a request that is too large without reading its body.
func (s *Server) refuseSize(e *exchange) {
	s.opts.Metrics.refused(refusedBodySize)
	e.Header().Set("Connection", "close")
	answerTooLarge(e)
}

func answerTooLarge(e *exchange) {
	problem.Problem{Kind: fault.TooLarge, RequestID: e.id,
		Detail: content.TooLarge(budget.MaxBodyBytes).Detail}.Write(e)
}
