package transport

import (
	"bytes"
	"io"

	"github.com/gorilla/websocket"

	"configapi/internal/budget"
)

// maxKeptRequest is the largest request, in bytes, that a subscription may come with: it is held in
// memory for as long as the subscription lasts. Smaller messages of websockets need no room.
const maxKeptRequest = 64 << 10

const (
	subscriptionTooLarge = "a subscription, with its variables, must not be larger than 65536 bytes"
	noRoomForMessage     = "no room for a message of this size at the moment; send it again later"
)

// readMessage reads a message of the peer to its end. A large one takes room among all bodies that
// are received, and of two messages that come slowly the slower one is cut when others wait. The
// lease is nil for a small message; it is the caller's to release. The error is the reader's own,
// or a [*CloseError].
func (s *socket) readMessage(buffer *bytes.Buffer, from io.Reader) (*lease, error) {
	if n, err := io.CopyN(buffer, from, maxKeptRequest+1); n <= maxKeptRequest {
		return nil, ignoreEOF(err)
	}
	coming := s.transport.options.Room.opts.Bodies.Reservation()
	defer coming.Release()
	for first := true; ; first = false {
		step := int64(buffer.Len())
		if err := coming.Grow(s.ctx, requestCopies*step); err != nil {
			return nil, &CloseError{websocket.CloseTryAgainLater, noRoomForMessage}
		}
		if first {
			coming.Sending(s.abort)
		}
		n, err := io.CopyN(buffer, from, step)
		coming.Sent(n)
		if err == io.EOF {
			return wholeMessage(s.transport.options.Room.opts.Bodies, coming.Held()), nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// requestCopies is about how often a request is in memory while it is worked on: as it came, and
// decoded.
const requestCopies = 2

// wholeMessage returns the room of a message that has come whole: it is not cut for being slow.
func wholeMessage(bodies *budget.Budget, bytes int64) *lease {
	l := &lease{room: bodies.Reservation()}
	l.room.Force(bytes)
	l.retain()
	return l
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
