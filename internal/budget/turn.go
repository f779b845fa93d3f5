package budget

import (
	"context"
	"time"
)

const (
	// turnBytes is what a stream reserves before it reads a page of 1 MiB: the page, and what it is
	// turned into.
	pageBytes = 4 << 20
	// copies is about how many copies of what it tells a message needs while it is made.
	messageCopies = 3
	// messageBytes is what a message takes that tells nothing.
	messageBytes = 4 << 10
	// turnTime is how long a stream may hold a page's bytes before it has read the page.
	pageTime = time.Second
)

// Turn is the room of the messages of one stream, one after the other. It is for one goroutine.
//
//	turn := budget.NewTurn(streams)
//	defer turn.End()
//	for {
//		turn.Begin(ctx, behind)  // waits while other streams that are behind have their turn
//		changes, err := …        // reads, or waits for something to happen
//		turn.Read(ctx, bytes)    // waits for room for what is to be made of it
//		message := …
//		turn.Hold(len(message))
//		turn.Sending(cut)
//		…                        // sends
//		turn.End()
//	}
type Stream struct {
	reservation *Reservation
	expiry      *time.Timer   // gives back what a turn has not used in time; nil: there is none
	expired     chan struct{} // closed when that has happened
}

// NewTurn returns the turns of a stream. A nil budget has room for all.
func NewStream(streams *Budget) *Stream {
	t := &Stream{reservation: new(Reservation)}
	if streams != nil {
		t.reservation = streams.Reservation()
	}
	return t
}

// Begin reserves room for a page when the stream is behind, so that it will read one from the
// store, and waits for it. A stream that finds nothing to read for 1 s loses the room. The error is
// that of ctx, or [ErrNoRoom] when too many wait already.
func (t *Stream) ReservePage(ctx context.Context, behind bool) error {
	if !behind || t.reservation.budget == nil {
		return nil
	}
	if err := t.reservation.Grow(ctx, pageBytes); err != nil {
		return err
	}
	t.expired = make(chan struct{})
	over := t.expired
	t.expiry = time.AfterFunc(pageTime, func() {
		t.reservation.Release()
		close(over)
	})
	return nil
}

// Read says how many bytes a message tells of, and waits until there is room to make the message. A
// stream that has a turn does not wait again. The error is that of [Turn.Begin].
func (t *Stream) ReserveMessage(ctx context.Context, bytes int64) error {
	need := messageCopies*bytes + messageBytes
	if t.expiry != nil {
		if !t.expiry.Stop() {
			<-t.expired
		}
		t.expiry = nil
		if t.reservation.Held() > 0 {
			t.Resize(need)
			return nil
		}
	}
	if need > t.reservation.largest() {
		t.reservation.Force(need) // one change set at least, whatever the limits say
		return nil
	}
	return t.reservation.Grow(ctx, need)
}

// Await reserves room for so many bytes, as a new turn: for a message that is made again because it
// had no room. The error is that of [Turn.Begin].
func (t *Stream) Reserve(ctx context.Context, bytes int64) error {
	if bytes > t.reservation.largest() {
		t.reservation.Force(bytes)
		return nil
	}
	return t.reservation.Grow(ctx, bytes)
}

// TryHold keeps room for so many bytes, or for what it has if there is not enough, and reports
// whether there was. What is larger than the whole budget always has room.
func (t *Stream) TryResize(bytes int64) bool {
	surplus := t.reservation.Held() - bytes
	switch {
	case surplus >= 0:
		t.reservation.Shrink(surplus)
		return true
	case bytes > t.reservation.largest():
		t.reservation.Force(-surplus)
		return true
	}
	return t.reservation.TryGrow(-surplus)
}

// Hold keeps room for so many bytes, whether there is any or not.
func (t *Stream) Resize(bytes int64) {
	switch surplus := t.reservation.Held() - bytes; {
	case surplus > 0:
		t.reservation.Shrink(surplus)
	case surplus < 0:
		t.reservation.Force(-surplus)
	}
}

// Sending is [Reservation.Sending].
func (t *Stream) Sending(cut func()) { t.reservation.Sending(cut) }

// Sent is [Reservation.Sent].
func (t *Stream) Sent(bytes int64) { t.reservation.Sent(bytes) }

// Pass returns the room of this turn, which the caller must release. The turn goes on with none.
func (t *Stream) Detach() *Reservation {
	passed := t.reservation
	t.reservation = new(Reservation)
	if passed.budget != nil {
		t.reservation = passed.budget.Reservation()
	}
	return passed
}

// End releases the room. It may be called at any time and several times.
func (t *Stream) Release() {
	if t.expiry != nil && !t.expiry.Stop() {
		<-t.expired
	}
	t.expiry = nil
	t.reservation.Release()
}

// largest is the largest that a reservation of the budget can be.
func (r *Reservation) largest() int64 {
	if r.budget == nil {
		return 1<<63 - 1
	}
	return r.budget.opts.Bytes - r.budget.opts.SmallBytes
}
