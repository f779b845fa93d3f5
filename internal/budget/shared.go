package budget

import "sync/atomic"

// Shared is a reservation with several holders, such as the bytes of a message that is sent to
// many clients. The last holder that releases it gives the bytes back. A nil *Shared holds nothing:
// all its methods do nothing. It is safe for concurrent use.
type Shared struct {
	bytes   *Reservation
	holders atomic.Int32
}

// Share returns a shared reservation with one holder. The bytes belong to it from then on.
func Share(bytes *Reservation) *Shared {
	s := &Shared{bytes: bytes}
	s.holders.Store(1)
	return s
}

// Retain adds a holder. It must not be called after the last one has released.
func (s *Shared) Retain() {
	if s != nil {
		s.holders.Add(1)
	}
}

// Release removes a holder. The last one gives the bytes back.
func (s *Shared) Release() {
	if s != nil && s.holders.Add(-1) == 0 {
		s.bytes.Release()
	}
}

// Sending is [Reservation.Sending].
func (s *Shared) Sending(cut func()) {
	if s != nil {
		s.bytes.Sending(cut)
	}
}

// Sent is [Reservation.Sent].
func (s *Shared) Sent(bytes int64) {
	if s != nil {
		s.bytes.Sent(bytes)
	}
}
