package httpd

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"time"

	"configapi/internal/budget"
)

// freeHeaderBytes is how many bytes of a header need no reservation: net/http allocates a buffer of
// this size for each connection anyway.
const freeHeaderBytes = 4 << 10

// headerCopies is how many copies of a header are in memory while it arrives: net/http reads a long
// line into a buffer that doubles.
const headerCopies = 2

// headerReservation reserves memory for the header of a connection's current request. A long header
// counts with the largest size until it is complete, and with its own size until the request is
// answered. When requests wait for memory, the slowest incomplete header is cut.
type headerReservation struct {
	refusal   string // what a refused request gets; "": nothing, since it would break TLS
	receiving budget.Reservation
	received  budget.Reservation // replaces receiving once the header is complete
	read      atomic.Int64
	serving   atomic.Bool // a request is being served: bytes that arrive are not a header's

	refused bool // nothing more is read; used by the reading goroutine alone
}

// errHeaderRefused looks like a deadline that has expired, so that net/http closes the connection
// without another answer, also when TLS wraps the error.
var errHeaderRefused net.Error = headerRefused{}

type headerRefused struct{}

func (headerRefused) Error() string   { return "reading a header: " + budget.ErrExhausted.Error() }
func (headerRefused) Timeout() bool   { return true }
func (headerRefused) Temporary() bool { return false }

// newHeaderReservation returns the reservation of a new connection. A nil budget is unlimited.
func newHeaderReservation(headers *budget.Budget) *headerReservation {
	h := &headerReservation{refusal: headerRefusal}
	if headers != nil {
		headers.Open(&h.receiving)
		headers.Open(&h.received)
	}
	return h
}

// charge reserves memory for n received bytes. If there is none it answers the request and returns
// false.
func (h *headerReservation) charge(conn net.Conn, n int) bool {
	if n <= 0 || h.serving.Load() {
		return true
	}
	defer h.receiving.Sent(int64(n))
	if read := h.read.Add(int64(n)); read <= freeHeaderBytes || read-int64(n) > freeHeaderBytes {
		return true
	}
	if err := h.receiving.Grow(context.Background(), headerCopies*maxHeaderBytes); err != nil {
		// fails only when the connection is closed
		_ = conn.SetWriteDeadline(time.Now().Add(refusalTime))
		_, _ = io.WriteString(conn, h.refusal)
		h.refused = true
		return false
	}
	if h.serving.Load() { // these bytes belong to a pipelined request
		h.receiving.Release()
		return true
	}
	h.receiving.Sending(func() { h.cut(conn) })
	return true
}

// cut closes a connection whose header is incomplete. The budget calls it from another goroutine.
func (h *headerReservation) cut(conn net.Conn) {
	if !h.serving.Load() {
		_ = conn.Close()
	}
}

// complete is called when the header is complete. It is in memory once from now on, and is not cut.
func (h *headerReservation) complete() {
	if h == nil {
		return
	}
	h.serving.Store(true)
	if read := h.read.Load(); read > freeHeaderBytes {
		h.received.Force(read - freeHeaderBytes)
		h.receiving.Release()
	}
}

// release is called when the request is answered. Unread bytes of its body may still arrive, so
// header bytes count again only after reset.
func (h *headerReservation) release() {
	if h != nil && h.read.Load() > freeHeaderBytes {
		h.received.Release()
	}
}

// reset is called when the connection waits for its next request.
func (h *headerReservation) reset() {
	h.read.Store(0)
	h.serving.Store(false)
}

// close releases the memory of an incomplete header.
func (h *headerReservation) close() { h.receiving.Release() }

// headerRefusal is the answer to a request whose header has no memory.
var headerRefusal = refusalText(noHeaderMemory)

const noHeaderMemory = "the server has no memory left for a header of this size at the moment; send a shorter one, or send it again later"
