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

// bodyStep is by how much a body's room grows ahead of its bytes. The first bytes of a connection
// are in the buffer of net/http, so a body of this size costs no more than the connection does.
const bodyStep = 4 << 10

// body is the body of a request. It is charged for as it comes, not as it is announced: what comes
// waits, at most 2 s, while bodies in flight have no room left, and the slowest of them is cut off.
type body struct {
	io.ReadCloser
	exchange *exchange
	deadline time.Time // zero: all of it has come
	read     int64
	err      error // why no more is read

	room    budget.Reservation // for what comes, until the body is whole
	charged int64              // bytes of room
	whole   budget.Reservation // takes over from room

	mu    sync.Mutex // guards ended
	ended bool       // the body is whole, or the request answered: it cannot be cut off any more
}

// errBodyTooLarge is what handlers know from [http.MaxBytesReader].
var errBodyTooLarge = &http.MaxBytesError{Limit: budget.MaxBodyBytes}

// openBody returns what is to be read in place of a request's own body.
func openBody(e *exchange, r *http.Request) *body {
	b := &body{ReadCloser: r.Body, exchange: e, deadline: e.start.Add(e.server.opts.BodyTimeout)}
	e.server.opts.Bodies.Open(&b.room)
	e.server.opts.Bodies.Open(&b.whole)
	b.setDeadline(b.deadline)
	return b
}

func (b *body) setDeadline(deadline time.Time) {
	if conn, ok := b.exchange.ResponseWriter.(interface{ SetReadDeadline(time.Time) error }); ok {
		_ = conn.SetReadDeadline(deadline) // fails only on a connection that is gone
	}
}

// Read reads what has come, and keeps room for it. The server takes the deadline off the connection
// when all of it has come, so that whatever follows may take its time.
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
	b.room.Sent(int64(n))
	switch {
	case b.read > budget.MaxBodyBytes:
		b.refuse(refusedBodySize, errBodyTooLarge)
		return n, b.err
	case err == io.EOF:
		b.deadline = time.Time{}
		b.settle()
	case err != nil && b.room.IsCut():
		b.refuse(refusedBodyRoom, err)
	}
	return n, err
}

// charge takes room for what the next read may bring, and shortens p to it. A body that is not
// announced as a small one takes the room of a large one from the beginning, or many of them would
// fill what is for small ones alone before they are large.
func (b *body) charge(p *[]byte) error {
	if b.read >= b.charged {
		grow := int64(budget.SmallBodyBytes)
		if announced := b.exchange.request.ContentLength; 0 <= announced && announced < budget.SmallBodyBytes {
			grow = min(b.read+bodyStep, announced) - b.charged
		}
		if err := b.room.Grow(b.exchange.request.Context(), grow); err != nil {
			b.refuse(refusedBodyRoom, err)
			return b.err
		}
		if b.charged == 0 {
			b.room.Sending(b.cut)
		}
		b.charged += grow
	}
	if left := b.charged - b.read; int64(len(*p)) > left {
		*p = (*p)[:left]
	}
	return nil
}

// cut ends the reading at once, since others wait for the room. It is called from another
// goroutine.
func (b *body) cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.setDeadline(time.Unix(1, 0))
	}
}

// end makes sure that the body is not cut off from now on.
func (b *body) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended && b.room.IsCut() {
		b.setDeadline(time.Time{}) // it was, when it was whole already
	}
	b.ended = true
}

// settle keeps the room of a body that is whole until the request is answered, whatever that takes.
func (b *body) settle() {
	if b.charged == 0 {
		return
	}
	b.end()
	b.whole.Force(b.charged)
	b.room.Release()
}

// refuse ends the reading with an error, and answers the request unless it is answered: no handler
// knows what it means.
func (b *body) refuse(why refusal, err error) {
	b.err = err
	b.exchange.server.opts.Metrics.refused(why)
	b.exchange.bodyFailed(err)
}

// release gives the room back.
func (b *body) release() {
	if b == nil || b.charged == 0 {
		return
	}
	b.end()
	b.room.Release()
	b.whole.Release()
}

// bodyFailed answers for the handler when the body finds no room. What the handler writes then is
// dropped.
func (e *exchange) bodyFailed(err error) {
	if e.status != 0 || errors.Is(err, context.Canceled) {
		return
	}
	e.Header().Set("Connection", "close")
	if err == errBodyTooLarge {
		answerTooLarge(e)
	} else {
		problem.Problem{Kind: fault.Unavailable, RequestID: e.id[0],
			Detail: "the server has no memory left for the body of this request at the moment; send it again later"}.Write(e)
	}
	e.done = true
}

func answerTooLarge(e *exchange) {
	problem.Problem{Kind: fault.TooLarge, RequestID: e.id[0],
		Detail: content.TooLarge(budget.MaxBodyBytes).Detail}.Write(e)
}
