package budget

import (
	"context"
	"time"
)

const (
	// pageBytes is reserved before a stream reads a page of 1 MiB: for the page and the message
	// made of it.
	pageBytes = 4 << 20
	// messageCopies is about how many copies of its changes are in memory while a message is made.
	messageCopies = 3
	// messageBytes is the size of a message without changes.
	messageBytes = 4 << 10
	// pageTime is how long a stream may hold the bytes for a page that it has not read yet.
	pageTime = time.Second
)

// Stream reserves memory for the messages of one stream, one message at a time. It is for one
// goroutine.
//
//	stream := budget.NewStream(streams)
//	defer stream.Release()
//	for {
//		stream.ReservePage(ctx, behind)    // waits, if the stream will read a page
//		changes, err := …                  // reads a page, or waits for changes
//		stream.ReserveMessage(ctx, bytes)  // waits for memory to make the message
//		message := …
//		stream.Resize(len(message))
//		stream.Sending(cut)
//		…                                  // sends the message
//		stream.Release()
//	}
type Stream struct {
	reservation *Reservation
	// releases the bytes of a page that is not read in time; nil: not running
	expiry  *time.Timer
	expired chan struct{} // closed when expiry has fired
}

// NewStream returns a stream that holds nothing. A nil budget is unlimited.
func NewStream(streams *Budget) *Stream {
	s := &Stream{reservation: new(Reservation)}
	if streams != nil {
		s.reservation = streams.Reservation()
	}
	return s
}

// ReservePage reserves memory for a page if the stream is behind and will read one from the store.
// A stream that reads nothing for 1 s loses it. The error is that of ctx, or [ErrExhausted] when
// too many streams wait.
func (s *Stream) ReservePage(ctx context.Context, behind bool) error {
	if !behind || s.reservation.budget == nil {
		return nil
	}
	if err := s.reservation.Grow(ctx, pageBytes); err != nil {
		return err
	}
	s.expired = make(chan struct{})
	over := s.expired
	s.expiry = time.AfterFunc(pageTime, func() {
		s.reservation.Release()
		close(over)
	})
	return nil
}

// ReserveMessage reserves memory for a message with so many bytes of changes. It does not wait if
// the bytes of a page are still reserved. The error is that of [Stream.ReservePage].
func (s *Stream) ReserveMessage(ctx context.Context, bytes int64) error {
	need := messageCopies*bytes + messageBytes
	if s.expiry != nil {
		if !s.expiry.Stop() {
			<-s.expired
		}
		s.expiry = nil
		if s.reservation.Held() > 0 {
			s.Resize(need)
			return nil
		}
	}
	if need > s.reservation.largest() {
		// a change set is never split, so it must be sent whatever its size
		s.reservation.Force(need)
		return nil
	}
	return s.reservation.Grow(ctx, need)
}

// Reserve reserves so many bytes, for a message that is made again after [Stream.TryResize] failed.
// The error is that of [Stream.ReservePage].
func (s *Stream) Reserve(ctx context.Context, bytes int64) error {
	if bytes > s.reservation.largest() {
		s.reservation.Force(bytes)
		return nil
	}
	return s.reservation.Grow(ctx, bytes)
}

// TryResize changes the reservation to so many bytes, if they are free, and reports whether they
// were. If not, the reservation keeps its size. More bytes than the whole budget are always
// reserved, see [Reservation.Force].
func (s *Stream) TryResize(bytes int64) bool {
	surplus := s.reservation.Held() - bytes
	switch {
	case surplus >= 0:
		s.reservation.Shrink(surplus)
		return true
	case bytes > s.reservation.largest():
		s.reservation.Force(-surplus)
		return true
	}
	return s.reservation.TryGrow(-surplus)
}

// Resize changes the reservation to so many bytes, beyond any limit.
func (s *Stream) Resize(bytes int64) {
	switch surplus := s.reservation.Held() - bytes; {
	case surplus > 0:
		s.reservation.Shrink(surplus)
	case surplus < 0:
		s.reservation.Force(-surplus)
	}
}

// Sending calls [Reservation.Sending].
func (s *Stream) Sending(cut func()) { s.reservation.Sending(cut) }

// Sent calls [Reservation.Sent].
func (s *Stream) Sent(bytes int64) { s.reservation.Sent(bytes) }

// Detach returns the reservation, which the caller must release. The stream continues with a new
// one.
func (s *Stream) Detach() *Reservation {
	passed := s.reservation
	s.reservation = new(Reservation)
	if passed.budget != nil {
		s.reservation = passed.budget.Reservation()
	}
	return passed
}

// Release gives all bytes back. It may be called at any time and several times.
func (s *Stream) Release() {
	if s.expiry != nil && !s.expiry.Stop() {
		<-s.expired
	}
	s.expiry = nil
	s.reservation.Release()
}
