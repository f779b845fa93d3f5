package httpd

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"time"

	"configapi/internal/budget"
)

// headFree is how many bytes of a header are not charged for: net/http has a buffer of this size
// for each connection in any case.
const headFree = 4 << 10

// headCopies is about how often a header is in memory while it comes: a long line grows in a buffer
// that doubles.
const headCopies = 2

// head is the room of the header of a connection's present request. A long one is charged for as
// the longest until it has come, and for its own length until the request is answered. While others
// wait for room, the slowest connection whose header is still coming is cut off.
type head struct {
	most   int64 // bytes that a header may have
	coming budget.Reservation
	whole  budget.Reservation // takes over from coming
	read   atomic.Int64
	busy   atomic.Bool // a request is being served: what is read now is no header

	refused bool // there was no room: nothing more is read; for the goroutine that reads headers
}

// errHeaderRefused ends the connection without a further answer, as an error of the network does.
var errHeaderRefused = &net.OpError{Op: "read", Net: "tcp", Err: budget.ErrNoRoom}

// openHead returns the room of a connection that has sent nothing yet. A nil budget has no end.
func openHead(room *budget.Budget, most int) *head {
	h := &head{most: int64(most)}
	if room != nil {
		room.Open(&h.coming)
		room.Open(&h.whole)
	}
	return h
}

// charge takes room for n bytes that have come. It returns false when there is none: then the
// connection is answered, and has ended.
func (h *head) charge(conn net.Conn, n int) bool {
	if n <= 0 || h.busy.Load() {
		return true
	}
	defer h.coming.Sent(int64(n))
	if read := h.read.Add(int64(n)); read <= headFree || read-int64(n) > headFree {
		return true
	}
	if err := h.coming.Grow(context.Background(), headCopies*h.most); err != nil {
		_ = conn.SetWriteDeadline(time.Now().Add(refusalTime)) // fails only on a connection that is gone
		_, _ = io.WriteString(conn, noRoomForHeader)
		h.refused = true
		return false
	}
	if h.busy.Load() { // net/http has begun to look ahead for the next request meanwhile
		h.coming.Release()
		return true
	}
	h.coming.Sending(func() { h.cut(conn) })
	return true
}

// cut ends a connection whose header is still coming. It is called from another goroutine.
func (h *head) cut(conn net.Conn) {
	if !h.busy.Load() {
		_ = conn.Close()
	}
}

// begin is called when the header is whole. It is not cut off any more, and is in memory once.
func (h *head) begin() {
	if h == nil {
		return
	}
	h.busy.Store(true)
	if read := h.read.Load(); read > headFree {
		h.whole.Force(read - headFree)
		h.coming.Release()
	}
}

// end is called when the request is answered. What the client still sends of its body is no header
// either, until next is called.
func (h *head) end() {
	if h != nil && h.read.Load() > headFree {
		h.whole.Release()
	}
}

// next is called when the connection waits for its next request.
func (h *head) next() {
	h.read.Store(0)
	h.busy.Store(false)
}

// close gives back the room of a header that never became whole.
func (h *head) close() { h.coming.Release() }

// noRoomForHeader is the whole answer to a request whose header finds no room.
var noRoomForHeader = refusalText("the server has no memory left for a header of this size at the moment; send a shorter one, or send it again later")
